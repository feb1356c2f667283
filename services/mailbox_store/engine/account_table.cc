#include "services/mailbox_store/engine/account_table.h"

namespace mailmesh::mailbox_store {

AccountPtr AccountTable::Find(std::string_view account_id) {
  absl::MutexLock lock(&mutex_);
  const auto it = by_id_.find(account_id);
  if (it == by_id_.end()) return nullptr;
  ages_.splice(ages_.begin(), ages_, it->second.age);
  return it->second.account;
}

AccountPtr AccountTable::FindByNumber(AccountId number) {
  absl::MutexLock lock(&mutex_);
  const auto it = by_number_.find(number.value());
  return it == by_number_.end() ? nullptr : by_id_.find(it->second->id())->second.account;
}

AccountPtr AccountTable::Insert(AccountPtr account) {
  absl::MutexLock lock(&mutex_);
  const auto it = by_id_.find(account->id());
  if (it != by_id_.end()) return it->second.account;
  Shrink();
  ages_.push_front(account->id());
  by_id_.emplace(account->id(), Entry{account, ages_.begin()});
  by_number_.emplace(account->number().value(), account.get());
  return account;
}

void AccountTable::Clear() {
  absl::MutexLock lock(&mutex_);
  ages_.clear();
  by_number_.clear();
  by_id_.clear();
}

void AccountTable::Shrink() {
  // A look at some of the oldest is enough: what is in use now moves to the front when it is used again.
  constexpr int kLooks = 8;
  auto age = ages_.end();
  for (int i = 0; i < kLooks && by_id_.size() >= limit_ && age != ages_.begin(); ++i) {
    --age;
    const auto it = by_id_.find(*age);
    // Only the table holds it, and nobody can begin to: that takes mutex_.
    if (it->second.account.use_count() > 1) continue;
    AccountPtr doomed = std::move(it->second.account);
    by_number_.erase(doomed->number().value());
    by_id_.erase(it);
    age = ages_.erase(age);
  }
}

}  // namespace mailmesh::mailbox_store
