// Reads of one account as it was at one moment: a snapshot of what is durable. Never blocks writers, takes no lock.
//
// Thread-safety: a scope and what reads through it belong to one thread at a time.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_READ_SCOPE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_READ_SCOPE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/kv/database.h"
#include "common/kv/page_merge.h"
#include "mailmesh/storage/v1/mailbox.pb.h"
#include "services/mailbox_store/engine/keys.h"
#include "services/mailbox_store/engine/message_record.h"
#include "services/mailbox_store/engine/store.h"
#include "services/mailbox_store/engine/uid_set.h"

namespace mailmesh::mailbox_store {

class ReadScope {
 public:
  // NotFound/ACCOUNT_NOT_FOUND if the account was deleted.
  static absl::StatusOr<std::unique_ptr<ReadScope>> Open(Store& store, std::string_view account_id);

  Store& store() const { return store_; }
  AccountId account() const { return account_->number(); }
  const kv::Snapshot& snapshot() const { return snapshot_; }
  const storage::v1::AccountRecord& account_record() const { return record_; }

  absl::StatusOr<bool> Get(ColumnId column, std::string_view key, kv::Value* value) const;
  std::unique_ptr<kv::Iterator> Scan(ColumnId column, std::string lower, std::string upper) const;
  // NotFound/MAILBOX_NOT_FOUND.
  absl::StatusOr<storage::v1::MailboxRecord> Mailbox(MailboxId id) const;
  absl::StatusOr<MailboxId> FindMailboxByName(std::string_view name) const;

 private:
  ReadScope(Store& store, AccountPtr account) : store_(store), account_(std::move(account)), snapshot_(store.db()) {}

  Store& store_;
  const AccountPtr account_;
  const kv::Snapshot snapshot_;
  storage::v1::AccountRecord record_;
};

// A UID set's messages that are there, in ascending order. `uids` must outlive it.
class MessageScan {
 public:
  MessageScan(const ReadScope& scope, MailboxId mailbox, const UidSet& uids);
  // False: no more.
  absl::StatusOr<bool> Next();
  uint32_t uid() const { return uid_; }
  const MessageRecord& record() const { return record_; }

 private:
  absl::StatusOr<bool> NextPage();
  absl::StatusOr<bool> GetNextPage();

  const ReadScope& scope_;
  const MailboxId mailbox_;
  const UidSet& uids_;
  std::unique_ptr<kv::Iterator> iterator_;  // for sets that span many pages
  kv::Value value_;                         // for the others
  uint64_t next_uid_ = 1;
  uint32_t base_uid_ = 0;
  uint32_t wanted_ = 0;  // the next member from what was read of the page on; 0: none
  bool in_page_ = false;
  kv::PageReader reader_{std::string_view()};
  uint32_t uid_ = 0;
  MessageRecord record_;
};

// Records of one paged column, read by ascending UIDs: each page is read once, and only as far as it is asked for.
class PagedColumn {
 public:
  // `prefix`: what stands before the page's number in the keys.
  PagedColumn(const ReadScope& scope, ColumnId column, std::string prefix, uint32_t bits)
      : scope_(scope), column_(column), prefix_(std::move(prefix)), bits_(bits) {}
  static PagedColumn Entries(const ReadScope& scope, MailboxId mailbox);
  static PagedColumn Summaries(const ReadScope& scope, MailboxId mailbox, SummaryKind kind);

  // The record's octets, valid until the next call; Damaged if there is none.
  absl::StatusOr<std::string_view> At(uint32_t uid);

 private:
  void Rewind(std::string_view page);

  const ReadScope& scope_;
  const ColumnId column_;
  const std::string prefix_;
  const uint32_t bits_;
  uint32_t page_ = kMaxUid;
  kv::Value value_;
  kv::PageReader reader_{std::string_view()};
  bool on_record_ = false;  // the reader stands on one
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_READ_SCOPE_H_
