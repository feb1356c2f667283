// Takes messages out of a mailbox: their records in the pages, the counters, the change, and the note for the collector.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_REMOVAL_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_REMOVAL_H_

#include "absl/status/statusor.h"
#include "services/mailbox_store/engine/txn.h"
#include "services/mailbox_store/engine/uid_set.h"

namespace mailmesh::mailbox_store {

struct RemovalOptions {
  // Only messages with \Deleted.
  bool only_deleted = false;
};

// Removes what of `uids` is there; returns which. The removed are invisible at once; entries, summaries and references go
// in the background. Nothing happens, and no MODSEQ is used, when nothing matches.
absl::StatusOr<UidSet> RemoveMessages(Txn& txn, MailboxId mailbox, const UidSet& uids, const RemovalOptions& options);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_REMOVAL_H_
