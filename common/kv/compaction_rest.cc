#include "common/kv/compaction_rest.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/time/clock.h"

namespace mailmesh::kv {
namespace {

constexpr int kMaxDoublings = 6;

}  // namespace

CompactionRest::~CompactionRest() { Stop(); }

void CompactionRest::Start(std::function<void(uint32_t, bool)> set) {
  set_ = std::move(set);
  thread_ = std::thread([this] { Loop(); });
}

void CompactionRest::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void CompactionRest::Failed(uint32_t column) {
  absl::MutexLock lock(&mutex_);
  failed_.insert(column);
}

size_t CompactionRest::columns() const {
  absl::MutexLock lock(&mutex_);
  return columns_.size();
}

void CompactionRest::Loop() {
  absl::MutexLock lock(&mutex_);
  auto something = [this] {
    mutex_.AssertReaderHeld();
    return stop_ || !failed_.empty();
  };
  while (true) {
    absl::Time next = absl::InfiniteFuture();
    for (const auto& [id, column] : columns_) next = std::min(next, column.until);
    mutex_.AwaitWithDeadline(absl::Condition(&something), next);
    if (stop_) return;
    const absl::Time now = absl::Now();
    std::vector<std::pair<uint32_t, bool>> changes;
    for (const uint32_t id : failed_) {
      Column& column = columns_[id];
      column.rests = true;
      column.until = now + pause_ * (1 << std::min(column.failures++, kMaxDoublings));
      changes.emplace_back(id, true);
    }
    failed_.clear();
    for (auto it = columns_.begin(); it != columns_.end();) {
      auto& [id, column] = *it;
      if (column.until > now) {
        ++it;
      } else if (column.rests) {
        column.rests = false;
        column.until = now + pause_ * (1 << std::min(column.failures, kMaxDoublings));
        changes.emplace_back(id, false);
        ++it;
      } else {
        it = columns_.erase(it);
      }
    }
    mutex_.Unlock();
    for (const auto& [id, rests] : changes) set_(id, rests);
    mutex_.Lock();
  }
}

}  // namespace mailmesh::kv
