// Accounts in memory by the directory's id; the least recently used go when their heads take too much memory.
//
// Thread-safe.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_ACCOUNT_TABLE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_ACCOUNT_TABLE_H_

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/synchronization/mutex.h"
#include "services/mailbox_store/engine/account.h"

namespace mailmesh::mailbox_store {

class AccountTable {
 public:
  explicit AccountTable(size_t limit_accounts) : limit_(limit_accounts) {}

  // nullptr: not in memory.
  AccountPtr Find(std::string_view account_id);
  AccountPtr FindByNumber(AccountId number);
  // The one that is there wins: all users of an account must share its lock.
  AccountPtr Insert(AccountPtr account);
  // Forgets all, with their heads: the database was changed behind them. Nobody uses any.
  void Clear();

 private:
  struct Entry {
    AccountPtr account;
    std::list<std::string_view>::iterator age;
  };
  // Those that somebody uses stay.
  void Shrink() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t limit_;
  absl::Mutex mutex_;
  // Keys view into the accounts.
  std::unordered_map<std::string_view, Entry> by_id_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<uint64_t, Account*> by_number_ ABSL_GUARDED_BY(mutex_);
  std::list<std::string_view> ages_ ABSL_GUARDED_BY(mutex_);  // newest first
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_ACCOUNT_TABLE_H_
