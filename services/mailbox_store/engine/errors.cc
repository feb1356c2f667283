#include "services/mailbox_store/engine/errors.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/bytes.h"
#include "common/kv/status.h"
#include "common/rpc/status.h"

namespace mailmesh::mailbox_store {
namespace {

using rpc::MakeError;
using enum absl::StatusCode;

// Names come from peers.
std::string Text(const char* what, std::string_view name) { return absl::StrCat(what, ": ", base::Printable(name)); }

}  // namespace

absl::Status AccountNotFound(std::string_view account_id) {
  return MakeError(kNotFound, type::v1::ERROR_REASON_ACCOUNT_NOT_FOUND, Text("no such account", account_id));
}
absl::Status MailboxNotFound(std::string_view name_or_id) {
  return MakeError(kNotFound, type::v1::ERROR_REASON_MAILBOX_NOT_FOUND, Text("no such mailbox", name_or_id));
}
absl::Status BackupNotFound(std::string_view name) {
  return MakeError(kNotFound, type::v1::ERROR_REASON_BACKUP_NOT_FOUND, Text("no such backup", name));
}
absl::Status FetchJobNotFound(std::string_view job_id) {
  return MakeError(kNotFound, type::v1::ERROR_REASON_FETCH_JOB_NOT_FOUND, Text("no such fetch job", job_id));
}
absl::Status UploadNotFound(std::string_view upload_id) {
  return MakeError(kNotFound, type::v1::ERROR_REASON_UPLOAD_NOT_FOUND, Text("no such upload", upload_id));
}
absl::Status AlreadyExists(std::string_view what) {
  return MakeError(kAlreadyExists, type::v1::ERROR_REASON_ALREADY_EXISTS, Text("already there", what));
}
absl::Status QuotaReached(std::string_view what) {
  return MakeError(kResourceExhausted, type::v1::ERROR_REASON_QUOTA, what);
}
absl::Status TooLarge(std::string_view what) {
  return MakeError(kResourceExhausted, type::v1::ERROR_REASON_TOO_LARGE, what);
}
absl::Status LimitReached(std::string_view what) {
  return MakeError(kResourceExhausted, type::v1::ERROR_REASON_LIMIT, what);
}
absl::Status Overloaded(std::string_view what) {
  return MakeError(kResourceExhausted, type::v1::ERROR_REASON_OVERLOAD, what);
}
absl::Status InUse(std::string_view what) { return MakeError(kFailedPrecondition, type::v1::ERROR_REASON_IN_USE, what); }
absl::Status LeaseLost(std::string_view what) {
  return MakeError(kFailedPrecondition, type::v1::ERROR_REASON_LEASE_LOST, what);
}
absl::Status NotAllowed(std::string_view what) {
  return MakeError(kFailedPrecondition, type::v1::ERROR_REASON_NOT_ALLOWED, what);
}
absl::Status BadSpecialUse(std::string_view what) {
  return MakeError(kInvalidArgument, type::v1::ERROR_REASON_BAD_SPECIAL_USE, what);
}
absl::Status BadName(std::string_view what) { return MakeError(kInvalidArgument, type::v1::ERROR_REASON_BAD_NAME, what); }
absl::Status InvalidRequest(std::string_view what) {
  return absl::InvalidArgumentError(absl::string_view(what.data(), what.size()));
}
absl::Status Damaged(std::string_view what) {
  return absl::DataLossError(absl::StrCat("damaged record: ", std::string(what)));
}

absl::Status FromKv(absl::Status status) {
  if (kv::IsDiskFull(status)) return rpc::WithReason(std::move(status), type::v1::ERROR_REASON_DISK_FULL);
  if (kv::IsOverload(status)) return rpc::WithReason(std::move(status), type::v1::ERROR_REASON_OVERLOAD);
  return status;
}

}  // namespace mailmesh::mailbox_store
