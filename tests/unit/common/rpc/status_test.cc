#include "common/rpc/status.h"

#include <gtest/gtest.h>

#include "common/rpc/status_mapping.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace mailmesh::rpc {
namespace {

TEST(Status, CarriesItsReasonOverTheWire) {
  absl::Status status = MakeError(absl::StatusCode::kNotFound, type::v1::ERROR_REASON_MAILBOX_NOT_FOUND, "no INBOX?");
  absl::Status back = FromGrpc(ToGrpc(status));
  EXPECT_EQ(back, status);
  EXPECT_EQ(ReasonOf(back), type::v1::ERROR_REASON_MAILBOX_NOT_FOUND);
  EXPECT_EQ(back.message(), "no INBOX?");
}

TEST(Status, EveryCodeSurvives) {
  for (int code = 0; code <= 16; ++code) {
    absl::Status status(static_cast<absl::StatusCode>(code), "text");
    EXPECT_EQ(FromGrpc(ToGrpc(status)), status) << code;
  }
}

TEST(Status, UnknownCodesAreUnknown) {
  EXPECT_EQ(ToGrpc(absl::Status(static_cast<absl::StatusCode>(99), "new")).error_code(), grpc::StatusCode::UNKNOWN);
}

TEST(Status, DetailsAreGoogleRpcStatus) {
  grpc::Status sent = ToGrpc(MakeError(absl::StatusCode::kAborted, type::v1::ERROR_REASON_WRONG_SHARD, "moved"));
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(sent.error_details()));
  EXPECT_EQ(details.code(), static_cast<int>(grpc::StatusCode::ABORTED));
  google::rpc::ErrorInfo info;
  ASSERT_EQ(details.details_size(), 1);
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.domain(), "mailmesh");
  EXPECT_EQ(info.reason(), "ERROR_REASON_WRONG_SHARD");
}

TEST(Status, ReasonsOfOthersAreUnspecified) {
  EXPECT_EQ(ReasonOf(absl::OkStatus()), type::v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ReasonOf(absl::NotFoundError("plain")), type::v1::ERROR_REASON_UNSPECIFIED);
  google::rpc::ErrorInfo info;
  info.set_domain("mailmesh");
  info.set_reason("ERROR_REASON_OF_THE_NEXT_VERSION");
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  grpc::Status newer(grpc::StatusCode::NOT_FOUND, "newer", details.SerializeAsString());
  EXPECT_EQ(ReasonOf(FromGrpc(newer)), type::v1::ERROR_REASON_UNSPECIFIED);
  details.Clear();
  info.set_domain("example.com");
  info.set_reason("ERROR_REASON_QUOTA");
  details.add_details()->PackFrom(info);
  EXPECT_EQ(ReasonOf(FromGrpc(grpc::Status(grpc::StatusCode::NOT_FOUND, "", details.SerializeAsString()))),
            type::v1::ERROR_REASON_UNSPECIFIED);
}

TEST(Status, DamagedDetailsLeaveTheCode) {
  absl::Status status = FromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, "text", "\xff\xff not a message"));
  EXPECT_EQ(status, absl::UnavailableError("text"));
}

TEST(Status, LongTextsAreCut) {
  absl::Status status = absl::InternalError(std::string(100'000, 'x'));
  EXPECT_EQ(ToGrpc(status).error_message().size(), 1024u);
  status.SetPayload("type.googleapis.com/big", absl::Cord(std::string(10'000, 'x')));
  EXPECT_TRUE(ToGrpc(status).error_details().empty());
}

TEST(Status, RetryDelay) {
  absl::Status status = WithRetryDelay(absl::UnavailableError("later"), absl::Milliseconds(1500));
  EXPECT_EQ(RetryDelayOf(FromGrpc(ToGrpc(status))), absl::Milliseconds(1500));
  EXPECT_FALSE(RetryDelayOf(absl::UnavailableError("later")).has_value());
}

TEST(Status, OkStaysOk) {
  EXPECT_TRUE(WithReason(absl::OkStatus(), type::v1::ERROR_REASON_QUOTA).ok());
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
}

}  // namespace
}  // namespace mailmesh::rpc
