// Brings a database of an older schema to this program's: one step a version, each recorded when it is done.
//
// What the program before this one writes is reached at start, before anything else reads: nobody needs an older one. The step beyond waits
// until an operator says that no process of the version before is left (`mailmesh upgrade finalize`): until then this program leaves
// the database as the old one wants it, and either may take the place of the other. That step is arrival_step.h.
//
// Thread-safety: while nobody else uses the store.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_UPGRADE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_UPGRADE_H_

#include "absl/status/status.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {

// Raise it with every change that an older program would misread, and add the step that leads to it.
// 1: the first. 2: quota is enforced, by counters that are counted anew. 3: mailboxes know when their last message came.
// A new database has it from the start.
inline constexpr uint32_t kSchemaVersion = 3;
// What the program before this one writes.
inline constexpr uint32_t kPreviousSchema = 2;

// To kPreviousSchema. FailedPrecondition for a database of a newer schema than kSchemaVersion. Interrupted it goes on where it was.
absl::Status Upgrade(Store& store, storage::v1::MailboxStoreMeta* meta);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_UPGRADE_H_
