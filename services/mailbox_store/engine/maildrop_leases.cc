#include "services/mailbox_store/engine/maildrop_leases.h"

#include <algorithm>

#include "services/mailbox_store/engine/errors.h"

namespace mailmesh::mailbox_store {

bool MaildropLeases::HeldByOther(AccountId account, std::string_view lease_id) {
  const auto it = leases_.find(account.value());
  return it != leases_.end() && it->second.id != lease_id && it->second.until > clock_.Monotonic();
}

// Sessions that died with their gateway leave their leases behind, and every session when it began.
void MaildropLeases::Sweep() {
  if (leases_.size() + next_login_.size() < sweep_at_) return;
  const Time now = clock_.Monotonic();
  std::erase_if(leases_, [now](const auto& lease) { return lease.second.until <= now; });
  std::erase_if(next_login_, [now](const auto& login) { return login.second <= now; });
  sweep_at_ = std::max<size_t>(1024, 2 * (leases_.size() + next_login_.size()));
}

void MaildropLeases::Put(AccountId account, std::string_view lease_id, std::chrono::seconds limit) {
  Sweep();
  leases_[account.value()] = Lease{std::string(lease_id), clock_.Monotonic() + limit};
}

absl::Status MaildropLeases::Acquire(AccountId account, std::string_view lease_id, std::chrono::seconds limit,
                                     std::chrono::seconds login_delay) {
  absl::MutexLock lock(&mutex_);
  if (HeldByOther(account, lease_id)) return InUse("another session has the maildrop");
  const auto held = leases_.find(account.value());
  const bool again = held != leases_.end() && held->second.id == lease_id;
  if (login_delay.count() > 0 && !again) {
    Time& next = next_login_[account.value()];
    const Time now = clock_.Monotonic();
    if (now < next) return LimitReached("the last log-in was a moment ago");
    next = now + login_delay;
  }
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
