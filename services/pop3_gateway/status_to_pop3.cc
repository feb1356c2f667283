#include "services/pop3_gateway/status_to_pop3.h"

#include "common/pop3/replies.h"
#include "common/rpc/status.h"

namespace mailmesh::pop3_gateway {

namespace replies = pop3::replies;

const pop3::CannedReply& StatusToReply(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return replies::kOk;
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kOutOfRange:
      return rpc::ReasonOf(status) == type::v1::ERROR_REASON_MESSAGE_NOT_FOUND ? replies::kNoSuchMessage : replies::kTemporary;
    case absl::StatusCode::kFailedPrecondition:
      return rpc::ReasonOf(status) == type::v1::ERROR_REASON_IN_USE ? replies::kInUse : replies::kTemporary;
    case absl::StatusCode::kUnauthenticated:
      return replies::kAuthFailed;
    case absl::StatusCode::kPermissionDenied:
      return replies::kPermanent;
    case absl::StatusCode::kInvalidArgument:
      return rpc::ReasonOf(status) == type::v1::ERROR_REASON_BAD_CHARSET ? replies::kUtf8Needed : replies::kTemporary;
    case absl::StatusCode::kResourceExhausted:
      // RFC 2449, 8.1.1.
      return rpc::ReasonOf(status) == type::v1::ERROR_REASON_LIMIT ? replies::kLoginDelay : replies::kTemporary;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDoNotUseReservedForFutureExpansionUseDefaultInSwitchInstead_:
      return replies::kTemporary;
  }
  return replies::kTemporary;
}

const pop3::CannedReply& FailureToReply(auth::FailureReason reason) {
  switch (reason) {
    case auth::FailureReason::kBadCredentials:
      return replies::kAuthFailed;
    case auth::FailureReason::kMalformed:
      return replies::kBadBase64;
    case auth::FailureReason::kMechanismNotOffered:
      return replies::kUnknownMechanism;
    case auth::FailureReason::kTlsRequired:
      return replies::kEncryptionRequired;
    case auth::FailureReason::kTemporary:
      return replies::kTemporary;
  }
  return replies::kTemporary;
}

}  // namespace mailmesh::pop3_gateway
