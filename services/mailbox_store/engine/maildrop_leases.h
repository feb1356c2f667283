// Who has the exclusive POP3 lease of an account's INBOX, and who had one lately. Kept in memory only: after a restart of the
// store a lease that nobody else took is granted again when its holder renews it.
//
// Thread-safe.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_MAILDROP_LEASES_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_MAILDROP_LEASES_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "common/base/clock.h"
#include "common/base/ids.h"

namespace mailmesh::mailbox_store {

class MaildropLeases {
 public:
  explicit MaildropLeases(const base::Clock& clock) : clock_(clock) {}

  // FailedPrecondition/IN_USE while another lease is valid; ResourceExhausted/LIMIT when the last one was granted less than
  // `login_delay` ago. The same lease again is extended.
  absl::Status Acquire(AccountId account, std::string_view lease_id, std::chrono::seconds limit,
                       std::chrono::seconds login_delay = {});
  // FailedPrecondition/LEASE_LOST when another lease is valid; one that ended, or was forgotten, is granted again.
  absl::Status Renew(AccountId account, std::string_view lease_id, std::chrono::seconds limit);
  // LEASE_LOST unless nobody else holds it.
  absl::Status Check(AccountId account, std::string_view lease_id);
  void Release(AccountId account, std::string_view lease_id);

  size_t count() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Lease {
    std::string id;
    Time until;
  };
  void Sweep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The lease of somebody else that is still valid.
  bool HeldByOther(AccountId account, std::string_view lease_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Put(AccountId account, std::string_view lease_id, std::chrono::seconds limit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const base::Clock& clock_;
  mutable absl::Mutex mutex_;
  std::unordered_map<uint64_t, Lease> leases_ ABSL_GUARDED_BY(mutex_);
  // When an account may log in again, where there is a delay.
  std::unordered_map<uint64_t, Time> next_login_ ABSL_GUARDED_BY(mutex_);
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = 1024;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_MAILDROP_LEASES_H_
