#include "services/pop3_gateway/status_to_pop3.h"

#include <gtest/gtest.h>

#include "common/pop3/replies.h"
#include "common/rpc/status.h"

namespace mailmesh::pop3_gateway {
namespace {

namespace replies = pop3::replies;
using absl::StatusCode;

const pop3::CannedReply& ReplyTo(StatusCode code, type::v1::ErrorReason reason) {
  return StatusToReply(rpc::MakeError(code, reason, "x"));
}

TEST(StatusToPop3, Known) {
  EXPECT_EQ(ReplyTo(StatusCode::kFailedPrecondition, type::v1::ERROR_REASON_IN_USE).code, replies::kCodeInUse);
  EXPECT_EQ(&ReplyTo(StatusCode::kNotFound, type::v1::ERROR_REASON_MESSAGE_NOT_FOUND), &replies::kNoSuchMessage);
  EXPECT_EQ(ReplyTo(StatusCode::kInvalidArgument, type::v1::ERROR_REASON_BAD_CHARSET).code, replies::kCodeUtf8);
  EXPECT_EQ(ReplyTo(StatusCode::kResourceExhausted, type::v1::ERROR_REASON_LIMIT).code, replies::kLoginDelay.code);
  EXPECT_EQ(ReplyTo(StatusCode::kUnauthenticated, type::v1::ERROR_REASON_BAD_CREDENTIALS).code, replies::kCodeAuth);
}

TEST(StatusToPop3, TheUnknownIsTemporary) {
  for (const StatusCode code : {StatusCode::kUnknown, StatusCode::kInternal, StatusCode::kUnavailable, StatusCode::kDataLoss,
                                StatusCode::kNotFound, StatusCode::kFailedPrecondition, StatusCode::kResourceExhausted}) {
    EXPECT_EQ(ReplyTo(code, type::v1::ERROR_REASON_UNSPECIFIED).code, replies::kCodeSysTemp) << static_cast<int>(code);
  }
}

}  // namespace
}  // namespace mailmesh::pop3_gateway
