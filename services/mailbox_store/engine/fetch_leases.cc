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

std::vector<JobKey> FetchLeases::TakeDue(size_t limit, int64_t hold_seconds) {
  const int64_t now = store_.NowSeconds();
  absl::MutexLock lock(&mutex_);
  std::vector<std::pair<int64_t, Key>> found;
  for (const auto& [key, due] : due_) {
    if (due <= now) found.emplace_back(due, key);
  }
  std::sort(found.begin(), found.end());
  if (found.size() > limit) found.resize(limit);
  std::vector<JobKey> taken;
  for (const auto& [due, key] : found) {
    due_[key] = now + hold_seconds;
    taken.push_back(JobKey{AccountId(key.first), key.second});
  }
  return taken;
}

bool FetchLeases::AnyDue() const {
  const int64_t now = store_.NowSeconds();
  absl::MutexLock lock(&mutex_);
  return std::any_of(due_.begin(), due_.end(), [now](const auto& job) { return job.second <= now; });
}

void FetchLeases::Set(const JobKey& key, const storage::v1::FetchJobRecord& record) {
  absl::MutexLock lock(&mutex_);
  due_[Key(key.account.value(), key.job)] = std::max(record.next_run_seconds(), record.lease_until_seconds());
}

void FetchLeases::Remove(const JobKey& key) {
  absl::MutexLock lock(&mutex_);
  due_.erase(Key(key.account.value(), key.job));
}

size_t FetchLeases::count() const {
  absl::MutexLock lock(&mutex_);
  return due_.size();
}

}  // namespace mailmesh::mailbox_store
