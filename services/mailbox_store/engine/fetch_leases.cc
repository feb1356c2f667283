#include "services/mailbox_store/engine/fetch_leases.h"

#include <algorithm>

#include "common/base/bytes.h"

#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {

absl::Status FetchLeases::Load() {
  auto it = store_.db().NewIterator(store_.column(ColumnId::kJobs), "", "");
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    std::string_view key = it->key();
    const std::optional<AccountId> account = keys::TakeAccount(key);
    const std::optional<uint64_t> job = base::TakeBigEndian<uint64_t>(key);
    storage::v1::FetchJobRecord record;
    if (!account || !job || !record.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) {
      return Damaged("fetch job");
    }
    Set(JobKey{*account, *job}, record);
  }
  return it->status();
}

void FetchLeases::Put(const Key& key, int64_t due) {
  const auto known = due_.find(key);
  if (known != due_.end()) by_time_.erase({known->second, key});
  due_[key] = due;
  by_time_.insert({due, key});
}

std::vector<JobKey> FetchLeases::TakeDue(size_t limit, int64_t hold_seconds) {
  const int64_t now = store_.NowSeconds();
  absl::MutexLock lock(&mutex_);
  std::vector<JobKey> taken;
  while (taken.size() < limit && !by_time_.empty() && by_time_.begin()->first <= now) {
    const Key key = by_time_.begin()->second;
    Put(key, now + std::max<int64_t>(hold_seconds, 1));
    taken.push_back(JobKey{AccountId(key.first), key.second});
  }
  return taken;
}

bool FetchLeases::AnyDue() const {
  const int64_t now = store_.NowSeconds();
  absl::MutexLock lock(&mutex_);
  return !by_time_.empty() && by_time_.begin()->first <= now;
}

void FetchLeases::Set(const JobKey& key, const storage::v1::FetchJobRecord& record) {
  absl::MutexLock lock(&mutex_);
  Put(Key(key.account.value(), key.job), std::max(record.next_run_seconds(), record.lease_until_seconds()));
}

void FetchLeases::Remove(const JobKey& key) {
  absl::MutexLock lock(&mutex_);
  const auto known = due_.find(Key(key.account.value(), key.job));
  if (known == due_.end()) return;
  by_time_.erase({known->second, known->first});
  due_.erase(known);
}

size_t FetchLeases::count() const {
  absl::MutexLock lock(&mutex_);
  return due_.size();
}

}  // namespace mailmesh::mailbox_store
