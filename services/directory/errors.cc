#include "services/directory/errors.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/kv/status.h"
#include "common/rpc/status.h"

namespace mailmesh::directory {

using absl::StatusCode;

absl::Status AccountNotFound() {
  return rpc::MakeError(StatusCode::kNotFound, type::v1::ERROR_REASON_ACCOUNT_NOT_FOUND, "no such account");
}
absl::Status DomainNotFound(std::string_view domain) {
  return rpc::MakeError(StatusCode::kNotFound, type::v1::ERROR_REASON_DOMAIN_NOT_FOUND,
                        absl::StrCat("no such domain: ", std::string(domain)));
}
absl::Status RouteNotFound() {
  return rpc::MakeError(StatusCode::kNotFound, type::v1::ERROR_REASON_ROUTE_NOT_FOUND, "no route for this domain");
}
absl::Status AliasNotFound() {
  return rpc::MakeError(StatusCode::kNotFound, type::v1::ERROR_REASON_ALIAS_NOT_FOUND, "no such alias");
}
absl::Status AlreadyExists(std::string_view what) {
  return rpc::MakeError(StatusCode::kAlreadyExists, type::v1::ERROR_REASON_ALREADY_EXISTS,
                        absl::StrCat(std::string(what), " is there already"));
}
absl::Status NotAllowed(std::string_view why) {
  return rpc::MakeError(StatusCode::kFailedPrecondition, type::v1::ERROR_REASON_NOT_ALLOWED, why);
}
absl::Status BadAddress(std::string_view what) {
  return rpc::MakeError(StatusCode::kInvalidArgument, type::v1::ERROR_REASON_BAD_ADDRESS, what);
}
absl::Status BadName(std::string_view what) {
  return rpc::MakeError(StatusCode::kInvalidArgument, type::v1::ERROR_REASON_BAD_NAME, what);
}

absl::Status FromStore(const absl::Status& status) {
  if (status.ok()) return status;
  if (kv::IsDiskFull(status)) return rpc::WithReason(status, type::v1::ERROR_REASON_DISK_FULL);
  if (kv::IsOverload(status)) return rpc::WithReason(status, type::v1::ERROR_REASON_OVERLOAD);
  if (rpc::ReasonOf(status) != type::v1::ERROR_REASON_UNSPECIFIED) return status;
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kUnauthenticated:
    case StatusCode::kResourceExhausted:
    case StatusCode::kCancelled: return status;
    default: return absl::UnavailableError(status.message());
  }
}

}  // namespace mailmesh::directory
