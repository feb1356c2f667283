// The errors of the store, each with its reason.
//
// Thread-safety: free functions. Texts are for logs.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_ERRORS_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_ERRORS_H_

#include <string_view>

#include "absl/status/status.h"

namespace mailmesh::mailbox_store {

absl::Status AccountNotFound(std::string_view account_id);
absl::Status MailboxNotFound(std::string_view name_or_id);
absl::Status BackupNotFound(std::string_view name);
absl::Status FetchJobNotFound(std::string_view job_id);
absl::Status UploadNotFound(std::string_view upload_id);
absl::Status AlreadyExists(std::string_view what);
absl::Status TooLarge(std::string_view what);
absl::Status QuotaReached(std::string_view what);
absl::Status LimitReached(std::string_view what);
absl::Status Overloaded(std::string_view what);
absl::Status InUse(std::string_view what);
absl::Status LeaseLost(std::string_view what);
absl::Status NotAllowed(std::string_view what);
absl::Status BadName(std::string_view what);
absl::Status BadSpecialUse(std::string_view what);
absl::Status InvalidRequest(std::string_view what);
// A record on disk that cannot be read.
absl::Status Damaged(std::string_view what);

// A status of common/kv with the reason that its callers know.
absl::Status FromKv(absl::Status status);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_ERRORS_H_
