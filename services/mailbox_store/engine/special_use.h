// Special uses of mailboxes (RFC 6154): which there are, and that each has one mailbox of an account at most.
//
// "All", "Flagged" and "Important" are views of other mailboxes, which the store does not have.
// Thread-safety: the transaction's.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SPECIAL_USE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SPECIAL_USE_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "services/mailbox_store/engine/txn.h"

namespace mailmesh::mailbox_store {

// The attributes without backslash; also the names of the mailboxes that a new account gets for them.
inline constexpr std::string_view kSpecialUses[] = {"Drafts", "Sent", "Junk", "Trash", "Archive"};

// `use` as it is stored, for a new mailbox `name`; empty if it is empty. InvalidArgument/BAD_SPECIAL_USE for one that is not
// known, or is another mailbox's, or for INBOX.
absl::StatusOr<std::string_view> ClaimSpecialUse(Txn& txn, std::string_view name, std::string_view use);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SPECIAL_USE_H_
