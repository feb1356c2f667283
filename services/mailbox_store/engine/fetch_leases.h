// When fetch jobs are due: an index in memory of what the column `jobs` says.
//
// The truth about a lease is in the job's record (token and end); this only finds jobs that can be leased.
// Thread-safe.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FETCH_LEASES_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FETCH_LEASES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "mailmesh/storage/v1/mailbox.pb.h"
#include "services/mailbox_store/engine/keys.h"

namespace mailmesh::mailbox_store {

class Store;

class FetchLeases {
 public:
  explicit FetchLeases(Store& store) : store_(store) {}

  // At start.
  absl::Status Load();

  // Jobs that are due and not leased, longest due first. They are held back for `hold_seconds`, for the caller to lease them.
  std::vector<JobKey> TakeDue(size_t limit, int64_t hold_seconds);
  bool AnyDue() const;

  // The record as it is now durable.
  void Set(const JobKey& key, const storage::v1::FetchJobRecord& record);
  void Remove(const JobKey& key);
  size_t count() const;

 private:
  using Key = std::pair<uint64_t, uint64_t>;

  void Put(const Key& key, int64_t due) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Store& store_;
  mutable absl::Mutex mutex_;
  // When each can be leased next: it is due and its lease has ended.
  std::map<Key, int64_t> due_ ABSL_GUARDED_BY(mutex_);
  // The same by time: callers that wait look often.
  std::set<std::pair<int64_t, Key>> by_time_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FETCH_LEASES_H_
