// Verification of contents: their octets against their digests, and who refers to them.
//
// Internal to the verification. Thread-safety: by its thread.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_VERIFY_CONTENTS_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_VERIFY_CONTENTS_H_

#include "absl/status/status.h"
#include "services/mailbox_store/engine/store.h"
#include "services/mailbox_store/engine/verify_report.h"

namespace mailmesh::mailbox_store {

// With `octets`, contents are read and digested; else only who refers to what is looked at.
absl::Status VerifyContents(Store& store, bool octets, VerifyReport& report);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_VERIFY_CONTENTS_H_
