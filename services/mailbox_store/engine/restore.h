// After a restore: nothing that was given after the backup was made is given again.
//
// What was given meanwhile is not known, so everything that is given in order jumps ahead, far beyond what could have been: numbers of
// accounts, mailboxes, messages and jobs, UIDs, UIDVALIDITYs, MODSEQs, tokens of leases. Every message counts as changed (its
// MODSEQ is the newest), the UIDs that are jumped over count as expunged, and a new incarnation makes gateways drop their views.
// Flags that were changed and messages that were removed meanwhile are as the backup has them.
// Interrupted and run again it jumps once more, which does no harm.
// Thread-safety: while nobody else uses the store.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_RESTORE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_RESTORE_H_

#include <string>

#include "absl/status/status.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {

// Changes the database and `meta`, which is written last.
absl::Status JumpAhead(Store& store, storage::v1::MailboxStoreMeta* meta);

// Puts a backup where the store's folder is; the store must not be running. What was there is kept beside it, and told in `kept`.
// Interrupted it can be run again; until then the store refuses to open.
absl::Status RestoreFolder(const std::string& backup, const std::string& store_folder, std::string* kept);
// FailedPrecondition when a restore of this folder was not finished.
absl::Status CheckNoRestoreUnderWay(const std::string& store_folder);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_RESTORE_H_
