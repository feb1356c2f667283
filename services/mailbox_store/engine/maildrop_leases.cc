#include "services/mailbox_store/engine/maildrop_leases.h"

#include <algorithm>

#include "services/mailbox_store/engine/errors.h"

namespace mailmesh::mailbox_store {

bool MaildropLeases::HeldByOther(AccountId account, std::string_view lease_id) {
  const auto it = leases_.find(account.value());
  return it != leases_.end() && it->second.id != lease_id && it->second.until > clock_.Monotonic();
}

void MaildropLeases::Put(AccountId account, std::string_view lease_id, std::chrono::seconds limit) {
  if (leases_.size() >= sweep_at_) {
    // Sessions that died with their gateway leave their leases behind.
    std::erase_if(leases_, [now = clock_.Monotonic()](const auto& lease) { return lease.second.until <= now; });
    sweep_at_ = std::max<size_t>(1024, 2 * leases_.size());
  }
  leases_[account.value()] = Lease{std::string(lease_id), clock_.Monotonic() + limit};
}

absl::Status MaildropLeases::Acquire(AccountId account, std::string_view lease_id, std::chrono::seconds limit) {
  absl::MutexLock lock(&mutex_);
  if (HeldByOther(account, lease_id)) return InUse("another session has the maildrop");
  Put(account, lease_id, limit);
  return absl::OkStatus();
}

absl::Status MaildropLeases::Renew(AccountId account, std::string_view lease_id, std::chrono::seconds limit) {
  absl::MutexLock lock(&mutex_);
  if (HeldByOther(account, lease_id)) return LeaseLost("another session has the maildrop");
  Put(account, lease_id, limit);
  return absl::OkStatus();
}

absl::Status MaildropLeases::Check(AccountId account, std::string_view lease_id) {
  absl::MutexLock lock(&mutex_);
  if (HeldByOther(account, lease_id)) return LeaseLost("another session has the maildrop");
  return absl::OkStatus();
}

void MaildropLeases::Release(AccountId account, std::string_view lease_id) {
  absl::MutexLock lock(&mutex_);
  const auto it = leases_.find(account.value());
  if (it != leases_.end() && it->second.id == lease_id) leases_.erase(it);
}

size_t MaildropLeases::count() const {
  absl::MutexLock lock(&mutex_);
  return leases_.size();
}

}  // namespace mailmesh::mailbox_store
