#include "services/imap_gateway/status_to_imap.h"

#include <gtest/gtest.h>

#include "common/rpc/status.h"

namespace mailmesh::imap_gateway {
namespace {

using imap::Code;

absl::Status Error(absl::StatusCode code, type::v1::ErrorReason reason = type::v1::ERROR_REASON_UNSPECIFIED) {
  return rpc::MakeError(code, reason, "internal text");
}

TEST(StatusToImapTest, EachCodeHasItsAnswer) {
  const struct {
    absl::Status status;
    Code code;
  } kCases[] = {
      {Error(absl::StatusCode::kNotFound), Code::kNonExistent},
      {Error(absl::StatusCode::kNotFound, type::v1::ERROR_REASON_MAILBOX_NOT_FOUND), Code::kNonExistent},
      {Error(absl::StatusCode::kNotFound, type::v1::ERROR_REASON_MESSAGE_NOT_FOUND), Code::kExpungeIssued},
      {Error(absl::StatusCode::kNotFound, type::v1::ERROR_REASON_ACCOUNT_NOT_FOUND), Code::kAuthenticationFailed},
      {Error(absl::StatusCode::kOutOfRange), Code::kExpungeIssued},
      {Error(absl::StatusCode::kAlreadyExists), Code::kAlreadyExists},
      {Error(absl::StatusCode::kInvalidArgument), Code::kCannot},
      {Error(absl::StatusCode::kUnauthenticated), Code::kAuthenticationFailed},
      {Error(absl::StatusCode::kPermissionDenied), Code::kNoPerm},
      {Error(absl::StatusCode::kResourceExhausted, type::v1::ERROR_REASON_QUOTA), Code::kOverQuota},
      {Error(absl::StatusCode::kResourceExhausted, type::v1::ERROR_REASON_TOO_LARGE), Code::kTooBig},
      {Error(absl::StatusCode::kResourceExhausted, type::v1::ERROR_REASON_OVERLOAD), Code::kUnavailable},
      {Error(absl::StatusCode::kResourceExhausted, type::v1::ERROR_REASON_DISK_FULL), Code::kUnavailable},
      {Error(absl::StatusCode::kUnavailable), Code::kUnavailable},
      {Error(absl::StatusCode::kDeadlineExceeded), Code::kUnavailable},
      {Error(absl::StatusCode::kFailedPrecondition, type::v1::ERROR_REASON_IN_USE), Code::kInUse},
      {Error(absl::StatusCode::kFailedPrecondition, type::v1::ERROR_REASON_NOT_ALLOWED), Code::kCannot},
      {Error(absl::StatusCode::kAborted), Code::kInUse},
      {Error(absl::StatusCode::kAborted, type::v1::ERROR_REASON_WRONG_SHARD), Code::kUnavailable},
      {Error(absl::StatusCode::kDataLoss), Code::kCorruption},
      {Error(absl::StatusCode::kInternal), Code::kServerBug},
      {Error(absl::StatusCode::kUnknown), Code::kServerBug},
  };
  for (const auto& c : kCases) {
    const Refusal refusal = StatusToRefusal(c.status);
    EXPECT_EQ(refusal.condition, imap::Condition::kNo) << c.status;
    EXPECT_EQ(refusal.code, c.code) << c.status;
    EXPECT_EQ(refusal.text.find("internal"), std::string_view::npos) << "no text of ours reaches a client";
  }
}

TEST(StatusToImapTest, AMissingDestinationCanBeCreated) {
  const absl::Status status = Error(absl::StatusCode::kNotFound, type::v1::ERROR_REASON_MAILBOX_NOT_FOUND);
  EXPECT_EQ(StatusToRefusal(status, About::kDestination).code, Code::kTryCreate);
}

TEST(StatusToImapTest, LogInFailures) {
  EXPECT_EQ(FailureToRefusal(auth::FailureReason::kBadCredentials).code, Code::kAuthenticationFailed);
  EXPECT_EQ(FailureToRefusal(auth::FailureReason::kTemporary).code, Code::kUnavailable);
  EXPECT_EQ(FailureToRefusal(auth::FailureReason::kTlsRequired).code, Code::kPrivacyRequired);
  EXPECT_EQ(FailureToRefusal(auth::FailureReason::kMalformed).condition, imap::Condition::kBad);
}

}  // namespace
}  // namespace mailmesh::imap_gateway
