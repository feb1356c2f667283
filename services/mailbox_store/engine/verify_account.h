// Verification of one account: names, mailboxes, messages with their entries, summaries, sizes and references, counters.
//
// Internal to the verification. Thread-safety: by its thread.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_VERIFY_ACCOUNT_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_VERIFY_ACCOUNT_H_

#include <string_view>

#include "absl/status/status.h"
#include "services/mailbox_store/engine/store.h"
#include "services/mailbox_store/engine/verify_report.h"

namespace mailmesh::mailbox_store {

// With `contents`, summaries and sizes are compared with what the contents give.
absl::Status VerifyAccount(Store& store, std::string_view account_id, bool contents, VerifyReport& report);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_VERIFY_ACCOUNT_H_
