// One operation's work on one account: reads the head, stages writes, remembers requests, assigns MODSEQs.
//
// Flow: lock the account -> Txn txn(store, account, &batch) -> reads and writes -> store.Commit({&txn}, ...) -> unlock.
// A transaction that is not committed leaves nothing behind (but for what it wrote into the batch: Mark and RollBack it).
// Thread-safety: the account's lock must be held from construction to commit.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_TXN_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_TXN_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/kv/batch.h"
#include "common/kv/page_merge.h"
#include "mailmesh/storage/v1/mailbox.pb.h"
#include "services/mailbox_store/engine/account.h"
#include "services/mailbox_store/engine/change.h"
#include "services/mailbox_store/engine/columns.h"
#include "services/mailbox_store/engine/keys.h"

namespace mailmesh::mailbox_store {

class Store;

// Change records of a mailbox beyond which the oldest are trimmed (those of expunges stay).
inline constexpr uint32_t kMaxChangeRecords = 20'000;

enum class ScanOrder { kAscending, kDescending };

// A page as the head has it. The view is valid until the account's next commit or unlock.
struct StagedPage {
  kv::PageView view;
  kv::Value stored;
};

class Txn {
 public:
  Txn(Store& store, AccountPtr account, kv::Batch* batch);
  Txn(const Txn&) = delete;
  Txn& operator=(const Txn&) = delete;

  const AccountPtr& account() const { return account_; }
  AccountId number() const { return account_->number(); }
  // Must be the first call: reads the account's record. NotFound if the account was deleted.
  absl::Status Begin();

  // --- Records. Pointers are valid as long as the transaction.
  const storage::v1::AccountRecord& record() const { return record_; }
  storage::v1::AccountRecord& EditRecord();
  absl::StatusOr<const storage::v1::MailboxRecord*> Mailbox(MailboxId id);
  absl::StatusOr<storage::v1::MailboxRecord*> EditMailbox(MailboxId id);
  storage::v1::MailboxRecord* AddMailbox(MailboxId id);
  void RemoveMailbox(MailboxId id);

  // --- Names.
  absl::StatusOr<std::optional<storage::v1::MailboxNameRecord>> FindName(std::string_view name);
  void PutName(std::string_view name, const storage::v1::MailboxNameRecord& record);
  void DeleteName(std::string_view name);
  // The mailbox of that name; NotFound/MAILBOX_NOT_FOUND.
  absl::StatusOr<MailboxId> FindMailboxByName(std::string_view name);
  // Names whose keys lie in [lower, upper), as the head has them; the first `limit` in that order.
  absl::StatusOr<std::vector<std::pair<std::string, storage::v1::MailboxNameRecord>>> ScanNames(
      std::string lower, std::string upper, size_t limit = SIZE_MAX, ScanOrder order = ScanOrder::kAscending);

  // --- Pages.
  absl::Status ReadPage(ColumnId column, std::string_view key, StagedPage* page);
  // The same, where the caller has the database's value already (nothing: there is none); it must outlive the view.
  absl::Status ReadPageOver(ColumnId column, std::string_view key, std::optional<std::string_view> stored, StagedPage* page);
  // The least key >= `from` and < `to` that a layer above the database has; empty if there is none.
  std::string NextStagedKey(ColumnId column, std::string_view from, std::string_view to) const;
  void PutPage(ColumnId column, std::string_view key, std::string_view octets);
  void MergePage(ColumnId column, std::string_view key, std::string_view delta);
  // How many deltas lie on the page since it was last written whole, as far as is known.
  uint32_t Deltas(ColumnId column, std::string_view key) const;

  // --- Values.
  absl::StatusOr<std::optional<std::string>> Get(ColumnId column, std::string_view key);
  void Put(ColumnId column, std::string_view key, std::string_view value);
  void Delete(ColumnId column, std::string_view key);
  // Not part of the head: for what operations never read through it.
  void PutUnread(ColumnId column, std::string_view key, std::string_view value);
  void DeleteUnread(ColumnId column, std::string_view key);

  // --- Requests: what `request_id` did before, if it is remembered.
  absl::StatusOr<std::optional<std::string>> FindRequest(char operation, std::string_view request_id,
                                                         std::string_view detail = {});
  void RememberRequest(char operation, std::string_view request_id, std::string_view response, std::string_view detail = {});

  // The next MODSEQ of the account.
  uint64_t NextModSeq();
  uint64_t NextInstance();
  // For a new mailbox: greater than all that the account's mailboxes had.
  uint32_t NextUidValidity();

  // Writes the change record of `change` and tells the watchers once it is durable.
  void RecordChange(MailboxChange change);
  // Tells the watchers only.
  void Announce(MailboxChange change) { changes_.push_back(std::move(change)); }

  Store& store() { return store_; }
  // For writes that belong to no head (contents).
  kv::Batch& batch() { return batch_; }

 private:
  friend class Store;
  // Writes edited records to the batch.
  void Finish();
  // Makes what was staged the account's head; returns what the watchers are to be told.
  std::vector<MailboxChange> Apply(uint64_t ticket);

  struct MailboxState {
    storage::v1::MailboxRecord record;
    bool edited = false;
    bool removed = false;
  };
  absl::StatusOr<MailboxState*> LoadMailbox(MailboxId id);

  Store& store_;
  const AccountPtr account_;
  Account::Head& head_;
  kv::Batch& batch_;
  Overlay staged_;
  storage::v1::AccountRecord record_;
  bool record_edited_ = false;
  std::map<uint64_t, MailboxState> mailboxes_;
  std::vector<std::string> whole_pages_;
  std::vector<std::string> delta_pages_;
  std::vector<MailboxChange> changes_;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_TXN_H_
