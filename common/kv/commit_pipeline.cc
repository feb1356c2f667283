#include "common/kv/commit_pipeline.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/kv/batch_merge.h"
#include "common/kv/metrics.h"
#include "common/kv/status.h"

namespace mailmesh::kv {
namespace {

// The cost of an empty commit (a barrier) in the queue's account.
constexpr size_t kCommitOverhead = 128;

absl::Status BrokenLineage() {
  return absl::UnavailableError("a commit that this one was built on has failed");
}

absl::Status FailedBefore() { return absl::UnavailableError("a write to the database has failed"); }

}  // namespace

CommitPipeline::CommitPipeline(Database& database, Options options) : database_(database), options_(std::move(options)) {
  writer_ = std::thread([this] { WriterLoop(); });
  completer_ = std::thread([this] { CompletionLoop(); });
}

CommitPipeline::~CommitPipeline() { Stop(); }

absl::Status CommitPipeline::Submit(Commit commit) { return SubmitInternal(std::move(commit), /*wait=*/false); }
absl::Status CommitPipeline::SubmitWaiting(Commit commit) { return SubmitInternal(std::move(commit), /*wait=*/true); }

bool CommitPipeline::HasRoom(size_t octets) const {
  // One commit that is larger than the whole limit may pass alone.
  return queue_.size() < options_.queue_limit_commits &&
         (queue_.empty() || queued_octets_ + octets <= options_.queue_limit_octets);
}

absl::Status CommitPipeline::SubmitInternal(Commit commit, bool wait) {
  const size_t octets = commit.batch.octets() + kCommitOverhead;
  absl::Status refused;
  if (commit.grows && options_.free_space != nullptr) refused = options_.free_space->Admit(octets);
  if (refused.ok()) {
    absl::MutexLock lock(&mutex_);
    auto may_decide = [this, octets] {
      mutex_.AssertReaderHeld();
      return stopping_ || failed_.load(std::memory_order_relaxed) || HasRoom(octets);
    };
    if (wait) mutex_.Await(absl::Condition(&may_decide));
    if (stopping_) {
      refused = absl::UnavailableError("the commit pipeline is stopped");
    } else if (failed_.load(std::memory_order_relaxed)) {
      refused = FailedBefore();
    } else if (!HasRoom(octets)) {
      refused = OverloadError("commit");
    } else {
      queued_octets_ += octets;
      queue_.push_back(Item{std::move(commit), octets, absl::Now()});
      if (options_.metrics != nullptr) options_.metrics->queued.Set(static_cast<double>(queue_.size()));
      return absl::OkStatus();
    }
  }
  if (options_.metrics != nullptr) options_.metrics->commits_refused.Increment();
  return refused;
}

absl::Status CommitPipeline::Write(Commit commit) {
  absl::Notification written;
  absl::Status result;
  auto then = std::move(commit.done);
  commit.done = [&](const absl::Status& status) {
    if (then) then(status);
    result = status;
    written.Notify();
  };
  RETURN_IF_ERROR(SubmitWaiting(std::move(commit)));
  written.WaitForNotification();
  return result;
}

absl::Status CommitPipeline::Flush() {
  Commit barrier;
  barrier.grows = false;
  return Write(std::move(barrier));
}

void CommitPipeline::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (writer_.joinable()) writer_.join();
  {
    absl::MutexLock lock(&completion_mutex_);
    writer_ended_ = true;
  }
  if (completer_.joinable()) completer_.join();
}

std::vector<CommitPipeline::Item> CommitPipeline::TakeGroup() {
  absl::MutexLock lock(&mutex_);
  auto something = [this] {
    mutex_.AssertReaderHeld();
    return stopping_ || !queue_.empty();
  };
  mutex_.Await(absl::Condition(&something));
  std::vector<Item> group;
  size_t octets = 0;
  while (!queue_.empty() && group.size() < options_.group_limit_commits) {
    if (!group.empty() && octets + queue_.front().octets > options_.group_limit_octets) break;
    octets += queue_.front().octets;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queued_octets_ -= octets;
  if (options_.metrics != nullptr) options_.metrics->queued.Set(static_cast<double>(queue_.size()));
  return group;
}

void CommitPipeline::WriterLoop() {
  while (true) {
    std::vector<Item> group = TakeGroup();
    if (group.empty()) return;  // stopping, and all is written
    WriteGroup(std::move(group));
  }
}

void CommitPipeline::WriteGroup(std::vector<Item> group) {
  std::vector<Completion> completions;
  completions.reserve(group.size());
  std::vector<Item*> to_write;
  std::vector<size_t> positions;
  for (Item& item : group) {
    absl::Status status;
    for (const auto& lineage : item.commit.lineages) {
      if (lineage->broken()) status = BrokenLineage();
    }
    if (status.ok() && failed_.load(std::memory_order_relaxed)) {
      status = FailedBefore();
    }
    if (status.ok()) {
      to_write.push_back(&item);
      positions.push_back(completions.size());
    } else {
      for (const auto& lineage : item.commit.lineages) lineage->broken_.store(true, std::memory_order_release);
    }
    completions.push_back(Completion{std::move(item.commit.done), std::move(status), item.submitted});
  }
  if (!to_write.empty()) {
    const absl::Status status = WriteMerged(to_write);
    for (size_t i = 0; i < to_write.size() && !status.ok(); ++i) {
      completions[positions[i]].status = status;
      for (const auto& lineage : to_write[i]->commit.lineages) lineage->broken_.store(true, std::memory_order_release);
    }
    if (options_.metrics != nullptr) options_.metrics->group_commits.Observe(static_cast<double>(to_write.size()));
  }
  Complete(std::move(completions));
}

absl::Status CommitPipeline::WriteMerged(std::vector<Item*>& items) {
  bool sync = false;
  size_t octets = 0;
  Item* only = nullptr;
  int non_empty = 0;
  for (Item* item : items) {
    if (item->commit.batch.empty()) continue;
    sync |= item->commit.sync;
    octets += item->octets;
    only = item;
    ++non_empty;
  }
  // Barriers alone: a group was synced, if it needed to be, before it was completed.
  if (non_empty == 0) return absl::OkStatus();
  rocksdb::WriteOptions options;
  options.sync = sync;
  rocksdb::Status status;
  if (non_empty == 1) {
    status = database_.raw().Write(options, &only->commit.batch.raw());
  } else {
    std::string merged;
    merged.reserve(octets);
    for (Item* item : items) AppendBatchOctets(merged, item->commit.batch.raw().Data());
    rocksdb::WriteBatch batch(std::move(merged));
    status = database_.raw().Write(options, &batch);
  }
  if (status.ok()) return absl::OkStatus();
  absl::Status error = FromRocks(status, "commit");
  failed_.store(true, std::memory_order_relaxed);
  database_.Fail(error);
  // Whatever RocksDB calls it: the peer may come again, and finds out by its request's id what became of this one.
  return IsDiskFull(error) ? error : absl::UnavailableError(error.message());
}

void CommitPipeline::Complete(std::vector<Completion> completions) {
  absl::MutexLock lock(&completion_mutex_);
  for (Completion& completion : completions) completions_.push_back(std::move(completion));
}

void CommitPipeline::CompletionLoop() {
  while (true) {
    std::deque<Completion> batch;
    {
      absl::MutexLock lock(&completion_mutex_);
      auto something = [this] {
        completion_mutex_.AssertReaderHeld();
        return writer_ended_ || !completions_.empty();
      };
      completion_mutex_.Await(absl::Condition(&something));
      batch.swap(completions_);
      if (batch.empty()) return;
    }
    const absl::Time now = absl::Now();
    for (Completion& completion : batch) {
      if (options_.metrics != nullptr) {
        (completion.status.ok() ? options_.metrics->commits_ok : options_.metrics->commits_failed).Increment();
        options_.metrics->commit_seconds.Observe(absl::ToDoubleSeconds(now - completion.submitted));
      }
      if (completion.done) completion.done(completion.status);
    }
  }
}

}  // namespace mailmesh::kv
