#include "services/mailbox_store/engine/mailbox_tree.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/imap/mailbox_name.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/quota.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {

using storage::v1::MailboxNameRecord;

absl::Status CheckNewName(std::string_view name) {
  const absl::Status valid = imap::ValidateMailboxName(name);
  if (!valid.ok()) return BadName(base::Message(valid));
  if (imap::CanonicalMailboxName(name) != name) return BadName("INBOX must be in capitals");
  return absl::OkStatus();
}

std::string_view ParentOf(std::string_view name) {
  const size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
}

// Names that are only subscribed to are no children, and thousands of them may be left where mailboxes were. Looking to both sides of
// the one that went costs as much as the nearer child is away: removing all, in whatever order, is not quadratic.
absl::StatusOr<bool> HasChildren(Txn& txn, std::string_view name, std::string_view beside) {
  constexpr size_t kLook = 16;
  const std::string first = keys::ChildrenOf(txn.number(), name);
  const std::string end = kv::PrefixEnd(first);
  std::string above = beside.empty() ? first : keys::Name(txn.number(), beside);
  std::string below = above;
  auto is_child = [](const auto& child) { return child.second.mailbox() != 0 || child.second.no_select(); };
  bool up = true;
  bool down = !beside.empty();
  while (up || down) {
    if (up) {
      ASSIGN_OR_RETURN(const auto names, txn.ScanNames(above, end, kLook));
      if (std::any_of(names.begin(), names.end(), is_child)) return true;
      up = names.size() == kLook;
      if (up) above = keys::Name(txn.number(), names.back().first) + '\0';
    }
    if (down) {
      ASSIGN_OR_RETURN(const auto names, txn.ScanNames(first, below, kLook, ScanOrder::kDescending));
      if (std::any_of(names.begin(), names.end(), is_child)) return true;
      down = names.size() == kLook;
      if (down) below = keys::Name(txn.number(), names.back().first);
    }
  }
  return false;
}

absl::StatusOr<MailboxId> MakeMailbox(Txn& txn, std::string_view name, std::string_view special_use) {
  RETURN_IF_ERROR(CheckNewName(name));
  // RFC 3501, 6.3.3: the server should create the superior names that are missing.
  if (const std::string_view parent = ParentOf(name); !parent.empty()) {
    ASSIGN_OR_RETURN(const auto existing, txn.FindName(parent));
    if (!existing || (existing->mailbox() == 0 && !existing->no_select())) RETURN_IF_ERROR(MakeMailbox(txn, parent));
  }
  if (txn.record().mailboxes() >= txn.store().options().max_mailboxes) return LimitReached("mailboxes of an account");
  storage::v1::AccountRecord& account = txn.EditRecord();
  account.set_last_mailbox(account.last_mailbox() + 1);
  account.set_mailboxes(account.mailboxes() + 1);
  const MailboxId id(account.last_mailbox());
  storage::v1::MailboxRecord* record = txn.AddMailbox(id);
  record->set_name(std::string(name));
  record->set_uid_validity(txn.NextUidValidity());
  record->set_uid_next(1);
  record->set_recent_from(1);
  record->set_highest_modseq(txn.NextModSeq());
  record->set_special_use(std::string(special_use));
  ASSIGN_OR_RETURN(std::optional<MailboxNameRecord> entry, txn.FindName(name));
  if (!entry) entry.emplace();
  entry->set_mailbox(id.value());
  entry->set_no_select(false);
  entry->set_uid_validity(record->uid_validity());
  entry->set_special_use(record->special_use());
  txn.PutName(name, *entry);
  return id;
}

absl::StatusOr<MailboxId> FindOrMakeMailbox(Txn& txn, std::string_view name) {
  if (name.empty()) name = kInboxName;
  ASSIGN_OR_RETURN(const auto record, txn.FindName(name));
  if (record && record->mailbox() != 0) return MailboxId(record->mailbox());
  return MakeMailbox(txn, name);
}

absl::Status RemoveMailbox(Txn& txn, std::string_view name) {
  ASSIGN_OR_RETURN(std::optional<MailboxNameRecord> entry, txn.FindName(name));
  if (!entry) return MailboxNotFound(name);
  const MailboxId id(entry->mailbox());
  if (id) {
    ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* record, txn.Mailbox(id));
    storage::v1::AccountRecord& account = txn.EditRecord();
    account.set_mailboxes(account.mailboxes() - 1);
    CountRemoved(account, record->messages(), record->octets());
    MailboxChange change;
    change.account = txn.number();
    change.mailbox = id;
    change.before_modseq = record->highest_modseq();
    change.modseq = txn.NextModSeq();
    change.deleted = true;
    txn.Announce(std::move(change));
    txn.RemoveMailbox(id);
    txn.PutUnread(ColumnId::kGarbage, keys::GarbageMailbox(txn.number(), id), "");
  }
  ASSIGN_OR_RETURN(const bool has_children, HasChildren(txn, name));
  entry->set_mailbox(0);
  entry->clear_uid_validity();
  entry->clear_special_use();
  entry->set_no_select(has_children);
  if (has_children || entry->subscribed()) {
    txn.PutName(name, *entry);
  } else {
    txn.DeleteName(name);
  }
  return absl::OkStatus();
}

absl::Status PruneParents(Txn& txn, std::string_view name) {
  for (std::string_view parent = ParentOf(name); !parent.empty(); parent = ParentOf(parent)) {
    ASSIGN_OR_RETURN(std::optional<MailboxNameRecord> entry, txn.FindName(parent));
    if (!entry || !entry->no_select()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const bool has_children, HasChildren(txn, parent, name));
    if (has_children) return absl::OkStatus();
    entry->set_no_select(false);
    if (entry->subscribed()) {
      txn.PutName(parent, *entry);
    } else {
      txn.DeleteName(parent);
    }
  }
  return absl::OkStatus();
}

}  // namespace mailmesh::mailbox_store
