// The hierarchy of names of an account, as operations see it: making and removing mailboxes in it.
//
// Names are UTF-8, levels apart by '/', INBOX in capitals (common/imap/mailbox_name.h).
// Thread-safety: the transaction's.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_MAILBOX_TREE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_MAILBOX_TREE_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/mailbox_store/engine/txn.h"

namespace mailmesh::mailbox_store {

inline constexpr std::string_view kInboxName = "INBOX";

// InvalidArgument/BAD_NAME for what may not be created.
absl::Status CheckNewName(std::string_view name);
// The part before the last '/'; empty at the top.
std::string_view ParentOf(std::string_view name);

// `beside`: a name below it that went, where the search begins.
absl::StatusOr<bool> HasChildren(Txn& txn, std::string_view name, std::string_view beside = {});

// Makes the mailbox, and its parents where they are missing. The name must not have one. LimitReached.
absl::StatusOr<MailboxId> MakeMailbox(Txn& txn, std::string_view name, std::string_view special_use = {});
// The mailbox of that name, made if it is not there; an empty name is INBOX.
absl::StatusOr<MailboxId> FindOrMakeMailbox(Txn& txn, std::string_view name);

// Removes the mailbox's name and record; its messages are the collector's. A name with children stays as \Noselect.
absl::Status RemoveMailbox(Txn& txn, std::string_view name);

// After a name went: parents that only held it (\Noselect, not subscribed to) go with it.
absl::Status PruneParents(Txn& txn, std::string_view name);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_MAILBOX_TREE_H_
