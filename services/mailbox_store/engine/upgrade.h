// Brings a database of an older schema to this program's: one step a version, each recorded when it is done.
//
// Thread-safety: while nobody else uses the store.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_UPGRADE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_UPGRADE_H_

#include "absl/status/status.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {

// Raise it with every change that an older program would misread, and add the step that leads to it in upgrade.cc.
// 1: the first. 2: quota is enforced, by counters that are counted anew.
inline constexpr uint32_t kSchemaVersion = 2;

// FailedPrecondition for a database of a newer schema. Interrupted it goes on where it was.
absl::Status Upgrade(Store& store, storage::v1::MailboxStoreMeta* meta);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_UPGRADE_H_
