#include "services/smtp_ingress/status_to_smtp.h"

#include "common/rpc/status.h"
#include "common/smtp/replies.h"

namespace mailmesh::smtp_ingress {
namespace {

namespace replies = smtp::replies;
using directory::v1::RecipientResolution;

const smtp::CannedReply& ExhaustedToReply(type::v1::ErrorReason reason) {
  switch (reason) {
    case type::v1::ERROR_REASON_QUOTA:
      return replies::kMailboxFull;
    case type::v1::ERROR_REASON_TOO_LARGE:
      return replies::kMessageTooBig;
    case type::v1::ERROR_REASON_DISK_FULL:
      return replies::kNoStorage;
    default:
      return replies::kLocalError;
  }
}

}  // namespace

const smtp::CannedReply& StatusToReply(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return replies::kOk;
    case absl::StatusCode::kNotFound:
      return rpc::ReasonOf(status) == type::v1::ERROR_REASON_ACCOUNT_NOT_FOUND ? replies::kNoSuchUser : replies::kLocalError;
    case absl::StatusCode::kResourceExhausted:
      return ExhaustedToReply(rpc::ReasonOf(status));
    case absl::StatusCode::kInvalidArgument:
      return rpc::ReasonOf(status) == type::v1::ERROR_REASON_BAD_ADDRESS ? replies::kBadMailboxName : replies::kLocalError;
    case absl::StatusCode::kPermissionDenied:
      return rpc::ReasonOf(status) == type::v1::ERROR_REASON_ACCOUNT_DISABLED ? replies::kUserDisabled : replies::kLocalError;
    case absl::StatusCode::kFailedPrecondition:
      return rpc::ReasonOf(status) == type::v1::ERROR_REASON_IN_USE ? replies::kMailboxBusy : replies::kLocalError;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDoNotUseReservedForFutureExpansionUseDefaultInSwitchInstead_:
      return replies::kLocalError;
  }
  return replies::kLocalError;
}

const smtp::CannedReply& FailureToReply(auth::FailureReason reason) {
  switch (reason) {
    case auth::FailureReason::kBadCredentials:
      return replies::kAuthFailed;
    case auth::FailureReason::kMalformed:
      return replies::kBadBase64;
    case auth::FailureReason::kMechanismNotOffered:
      return replies::kUnknownMechanism;
    case auth::FailureReason::kTlsRequired:
      return replies::kAuthNeedsEncryption;
    case auth::FailureReason::kTemporary:
      return replies::kAuthTemporaryFailure;
  }
  return replies::kAuthTemporaryFailure;
}

const smtp::CannedReply& ResolutionToReply(RecipientResolution::Kind kind, bool may_relay) {
  switch (kind) {
    case RecipientResolution::KIND_DELIVER:
    case RecipientResolution::KIND_RELAY:
      return replies::kRecipientOk;
    case RecipientResolution::KIND_REMOTE:
      return may_relay ? replies::kRecipientOk : replies::kRelayDenied;
    case RecipientResolution::KIND_UNKNOWN_USER:
      return replies::kNoSuchUser;
    case RecipientResolution::KIND_BAD_ADDRESS:
      return replies::kBadMailboxName;
    case RecipientResolution::KIND_DISABLED:
      return replies::kUserDisabled;
    default:
      return replies::kLocalError;  // a newer directory's word: not known, so temporary
  }
}

}  // namespace mailmesh::smtp_ingress
