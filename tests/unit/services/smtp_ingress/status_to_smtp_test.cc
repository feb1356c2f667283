#include "services/smtp_ingress/status_to_smtp.h"

#include <gtest/gtest.h>

#include "common/rpc/status.h"

namespace mailmesh::smtp_ingress {
namespace {

using absl::StatusCode;
using directory::v1::RecipientResolution;

uint16_t CodeOf(StatusCode code, type::v1::ErrorReason reason) { return StatusToReply(rpc::MakeError(code, reason, "x")).code; }

TEST(StatusToSmtp, OnlyWhatIsKnownToBePermanentIsPermanent) {
  EXPECT_EQ(CodeOf(StatusCode::kNotFound, type::v1::ERROR_REASON_ACCOUNT_NOT_FOUND), 550);
  EXPECT_EQ(CodeOf(StatusCode::kResourceExhausted, type::v1::ERROR_REASON_QUOTA), 552);
  EXPECT_EQ(CodeOf(StatusCode::kResourceExhausted, type::v1::ERROR_REASON_TOO_LARGE), 552);
  EXPECT_EQ(CodeOf(StatusCode::kPermissionDenied, type::v1::ERROR_REASON_ACCOUNT_DISABLED), 550);
}

// A fault of ours never bounces mail.
TEST(StatusToSmtp, EverythingElseIsTemporary) {
  for (int code = 1; code <= 16; ++code) {
    EXPECT_EQ(CodeOf(static_cast<StatusCode>(code), type::v1::ERROR_REASON_UNSPECIFIED) / 100, 4) << code;
  }
  EXPECT_EQ(CodeOf(StatusCode::kResourceExhausted, type::v1::ERROR_REASON_DISK_FULL), 452);
  EXPECT_EQ(CodeOf(StatusCode::kResourceExhausted, type::v1::ERROR_REASON_OVERLOAD), 451);
  EXPECT_EQ(ResolutionToReply(RecipientResolution::KIND_UNSPECIFIED, true).code, 451);
}

TEST(StatusToSmtp, RelayingIsForThoseWhoLoggedIn) {
  EXPECT_EQ(ResolutionToReply(RecipientResolution::KIND_REMOTE, false).code, 550);
  EXPECT_EQ(ResolutionToReply(RecipientResolution::KIND_REMOTE, true).code, 250);
  EXPECT_EQ(ResolutionToReply(RecipientResolution::KIND_RELAY, false).code, 250);
  EXPECT_EQ(ResolutionToReply(RecipientResolution::KIND_UNKNOWN_USER, true).code, 550);
}

}  // namespace
}  // namespace mailmesh::smtp_ingress
