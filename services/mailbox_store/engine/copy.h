// Copies messages between mailboxes of one account: records, entries and summaries; contents are referred to once more.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_COPY_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_COPY_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "services/mailbox_store/engine/txn.h"
#include "services/mailbox_store/engine/uid_set.h"

namespace mailmesh::mailbox_store {

struct CopiedUids {
  // The n-th member of one became the n-th of the other.
  UidSet source;
  UidSet destination;
};

struct CopyOptions {
  // The same transaction removes what is copied.
  bool moves = false;
};

// Copies what of `uids` is there; flags, keywords (as far as there is room for them) and dates are kept (RFC 3501, 6.4.7).
// ResourceExhausted/QUOTA, unless they move: then the account does not grow. Large copies write entries and summaries ahead of the commit that makes them visible, so that its batch stays small.
absl::StatusOr<CopiedUids> CopyTo(Txn& txn, MailboxId from, const UidSet& uids, MailboxId to, const CopyOptions& options);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_COPY_H_
