// The only writer of a database: many threads submit batches, one thread merges what waits into one write with one sync,
// another tells the submitters, in the order of submission.
//
// Flow: build a Batch under your own lock -> Submit (order is the order of calls) -> unlock -> `done` is called once, on
// the completion thread, when the commit is durable or has failed.
//
// Lineage: a commit that was computed from state which is not durable yet depends on the commits before it. All commits
// on one head name the same Lineage; when one fails, the lineage is broken and all later commits that name it fail too,
// without being written. The owner of the head sees broken(), reads its state from the database anew and starts a new
// lineage. A commit over several heads names all their lineages, and breaks them all.
//
// A commit with sync = false waits for no sync of its own (the log keeps the order: once a later synced commit is durable,
// so is this one). `grows` = false passes below the floor of free space.
//
// A failed write may nevertheless be in the log, and RocksDB 7.8 does not write on safely after one (it goes on with the log
// file that failed, where Debian's build asserts). So a failed write is final: what waits fails with UNAVAILABLE, and
// DatabaseOptions::on_fatal ends the process. Opening the database anew heals it. A full disk does not get this far:
// that is what FreeSpaceGuard is for.
//
// Thread-safety: Submit from any thread. `done` must not block for long and must not destroy the pipeline; it may submit.
// Limits: queue_limit_*; a full queue refuses with OverloadError.
#ifndef MAILMESH_COMMON_KV_COMMIT_PIPELINE_H_
#define MAILMESH_COMMON_KV_COMMIT_PIPELINE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/kv/batch.h"
#include "common/kv/database.h"
#include "common/kv/free_space_guard.h"

namespace mailmesh::kv {

class PipelineMetrics;

// Shared by a head and the commits built on it.
class Lineage {
 public:
  bool broken() const { return broken_.load(std::memory_order_acquire); }

 private:
  friend class CommitPipeline;
  std::atomic<bool> broken_{false};
};

struct Commit {
  // May be empty: then `done` tells that all that was submitted before is durable.
  Batch batch;
  bool sync = true;
  bool grows = true;
  absl::InlinedVector<std::shared_ptr<Lineage>, 1> lineages;
  absl::AnyInvocable<void(const absl::Status&)> done;
};

class CommitPipeline {
 public:
  struct Options {
    size_t queue_limit_commits = 20'000;
    size_t queue_limit_octets = 64 << 20;
    // A group takes no further commit beyond this; one commit alone may be larger.
    size_t group_limit_octets = 4 << 20;
    size_t group_limit_commits = 2'000;
    // May be null.
    FreeSpaceGuard* free_space = nullptr;
    const PipelineMetrics* metrics = nullptr;
  };

  // `database` and what the options point to must outlive the pipeline.
  CommitPipeline(Database& database, Options options);
  // Stop().
  ~CommitPipeline();
  CommitPipeline(const CommitPipeline&) = delete;
  CommitPipeline& operator=(const CommitPipeline&) = delete;

  // Refuses (and never calls `done`) with OverloadError, DiskFullError, or UNAVAILABLE when stopped or after a failed write.
  absl::Status Submit(Commit commit);
  // Waits for room in the queue instead of refusing with OverloadError; for background work and large operations.
  absl::Status SubmitWaiting(Commit commit);

  // Submits and waits. Not on the completion thread.
  absl::Status Write(Commit commit);
  // Makes all commits of this lineage that are not written yet fail: what they were built on is no longer true.
  static void Break(Lineage& lineage) { lineage.broken_.store(true, std::memory_order_release); }

  // Waits until all that was submitted before is done, and returns how a commit now ends.
  absl::Status Flush();

  // Writes what was accepted, calls its completions, ends the threads. Later submissions are refused.
  void Stop();

 private:
  struct Item {
    Commit commit;
    size_t octets;
    absl::Time submitted;
  };
  struct Completion {
    absl::AnyInvocable<void(const absl::Status&)> done;
    absl::Status status;
    absl::Time submitted;
  };

  absl::Status SubmitInternal(Commit commit, bool wait);
  bool HasRoom(size_t octets) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void WriterLoop();
  std::vector<Item> TakeGroup() ABSL_LOCKS_EXCLUDED(mutex_);
  void WriteGroup(std::vector<Item> group);
  absl::Status WriteMerged(std::vector<Item*>& items);
  void Complete(std::vector<Completion> completions);
  void CompletionLoop();

  Database& database_;
  const Options options_;

  mutable absl::Mutex mutex_;
  std::deque<Item> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queued_octets_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // A write has failed: nothing is written any more.
  std::atomic<bool> failed_{false};

  absl::Mutex completion_mutex_;
  std::deque<Completion> completions_ ABSL_GUARDED_BY(completion_mutex_);
  bool writer_ended_ ABSL_GUARDED_BY(completion_mutex_) = false;

  std::thread writer_;
  std::thread completer_;
};

}  // namespace mailmesh::kv

#endif  // MAILMESH_COMMON_KV_COMMIT_PIPELINE_H_
