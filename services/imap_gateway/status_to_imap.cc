#include "services/imap_gateway/status_to_imap.h"

#include "common/rpc/status.h"

namespace mailmesh::imap_gateway {
namespace {

using imap::Code;
using imap::Condition;

constexpr Refusal kUnavailable = {Condition::kNo, Code::kUnavailable, "Temporarily unavailable, try again."};
constexpr Refusal kServerBug = {Condition::kNo, Code::kServerBug, "Internal error, try again."};
constexpr Refusal kCannot = {Condition::kNo, Code::kCannot, "That cannot be done."};
constexpr Refusal kInUse = {Condition::kNo, Code::kInUse, "In use by another session, try again."};
constexpr Refusal kNoSuchMailbox = {Condition::kNo, Code::kNonExistent, "Mailbox doesn't exist."};
constexpr Refusal kTryCreate = {Condition::kNo, Code::kTryCreate, "Mailbox doesn't exist."};
constexpr Refusal kExpunged = {Condition::kNo, Code::kExpungeIssued, "Some of the messages no longer exist."};
constexpr Refusal kExists = {Condition::kNo, Code::kAlreadyExists, "Mailbox already exists."};
constexpr Refusal kOverQuota = {Condition::kNo, Code::kOverQuota, "Not enough quota."};
constexpr Refusal kTooBig = {Condition::kNo, Code::kTooBig, "Message is too large."};
constexpr Refusal kLimit = {Condition::kNo, Code::kLimit, "Too many of them."};
constexpr Refusal kBadCharset = {Condition::kNo, Code::kNone, "Unknown charset."};
// RFC 6154, 3: the only code for it.
constexpr Refusal kBadSpecialUse = {Condition::kNo, Code::kUseAttr, "Special use not available."};
constexpr Refusal kNotAllowed = {Condition::kNo, Code::kCannot, "Not allowed for this mailbox."};
constexpr Refusal kNoPermission = {Condition::kNo, Code::kNoPerm, "Permission denied."};
constexpr Refusal kDenied = {Condition::kNo, Code::kAuthenticationFailed, "Authentication failed."};
constexpr Refusal kCorruption = {Condition::kNo, Code::kCorruption, "The data cannot be read at the moment."};

// A reason says more than the code; nothing: the code decides.
const Refusal* ByReason(type::v1::ErrorReason reason, About about) {
  switch (reason) {
    case type::v1::ERROR_REASON_MAILBOX_NOT_FOUND:
      return about == About::kDestination ? &kTryCreate : &kNoSuchMailbox;
    case type::v1::ERROR_REASON_MESSAGE_NOT_FOUND:
      return &kExpunged;
    case type::v1::ERROR_REASON_ALREADY_EXISTS:
      return &kExists;
    case type::v1::ERROR_REASON_QUOTA:
      return &kOverQuota;
    case type::v1::ERROR_REASON_TOO_LARGE:
      return &kTooBig;
    case type::v1::ERROR_REASON_LIMIT:
      return &kLimit;
    case type::v1::ERROR_REASON_IN_USE:
      return &kInUse;
    case type::v1::ERROR_REASON_NOT_ALLOWED:
      return &kNotAllowed;
    case type::v1::ERROR_REASON_BAD_NAME:
    case type::v1::ERROR_REASON_BAD_ADDRESS:
      return &kCannot;
    case type::v1::ERROR_REASON_BAD_CHARSET:
      return &kBadCharset;
    case type::v1::ERROR_REASON_BAD_SPECIAL_USE:
      return &kBadSpecialUse;
    case type::v1::ERROR_REASON_ACCOUNT_NOT_FOUND:
    case type::v1::ERROR_REASON_BAD_CREDENTIALS:
      return &kDenied;
    case type::v1::ERROR_REASON_ACCOUNT_DISABLED:
    case type::v1::ERROR_REASON_SENDER_NOT_OWNED:
    case type::v1::ERROR_REASON_RELAY_DENIED:
      return &kNoPermission;
    case type::v1::ERROR_REASON_OVERLOAD:
    case type::v1::ERROR_REASON_DISK_FULL:
    case type::v1::ERROR_REASON_WRONG_SHARD:
    case type::v1::ERROR_REASON_SHUTTING_DOWN:
    case type::v1::ERROR_REASON_LEASE_LOST:
    case type::v1::ERROR_REASON_UPLOAD_NOT_FOUND:
      return &kUnavailable;
    // Not about mailboxes: the code decides.
    case type::v1::ERROR_REASON_DOMAIN_NOT_FOUND:
    case type::v1::ERROR_REASON_ROUTE_NOT_FOUND:
    case type::v1::ERROR_REASON_QUEUE_ITEM_NOT_FOUND:
    case type::v1::ERROR_REASON_FETCH_JOB_NOT_FOUND:
    case type::v1::ERROR_REASON_ALIAS_NOT_FOUND:
    case type::v1::ERROR_REASON_BACKUP_NOT_FOUND:
    case type::v1::ERROR_REASON_BAD_SASL:
    case type::v1::ERROR_REASON_UNSPECIFIED:
    case type::v1::ErrorReason_INT_MIN_SENTINEL_DO_NOT_USE_:
    case type::v1::ErrorReason_INT_MAX_SENTINEL_DO_NOT_USE_:
      return nullptr;
  }
  return nullptr;
}

Refusal ByCode(absl::StatusCode code, About about) {
  switch (code) {
    case absl::StatusCode::kNotFound:
      return about == About::kDestination ? kTryCreate : kNoSuchMailbox;
    case absl::StatusCode::kOutOfRange:
      return kExpunged;
    case absl::StatusCode::kAlreadyExists:
      return kExists;
    case absl::StatusCode::kInvalidArgument:
      return kCannot;
    case absl::StatusCode::kUnauthenticated:
      return kDenied;
    case absl::StatusCode::kPermissionDenied:
      return kNoPermission;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
      return kInUse;
    case absl::StatusCode::kDataLoss:
      return kCorruption;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return kUnavailable;
    case absl::StatusCode::kOk:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kDoNotUseReservedForFutureExpansionUseDefaultInSwitchInstead_:
      return kServerBug;
  }
  return kServerBug;
}

}  // namespace

Refusal StatusToRefusal(const absl::Status& status, About about) {
  const Refusal* by_reason = ByReason(rpc::ReasonOf(status), about);
  return by_reason != nullptr ? *by_reason : ByCode(status.code(), about);
}

Refusal FailureToRefusal(auth::FailureReason reason) {
  switch (reason) {
    case auth::FailureReason::kBadCredentials:
      return kDenied;
    case auth::FailureReason::kMalformed:
      return {Condition::kBad, Code::kNone, "Invalid SASL response."};
    case auth::FailureReason::kMechanismNotOffered:
      return {Condition::kNo, Code::kCannot, "Mechanism not offered."};
    case auth::FailureReason::kTlsRequired:
      return {Condition::kNo, Code::kPrivacyRequired, "Log-in needs TLS: use STARTTLS first."};
    case auth::FailureReason::kTemporary:
      return kUnavailable;
  }
  return kUnavailable;
}

}  // namespace mailmesh::imap_gateway
