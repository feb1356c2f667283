#include "common/rpc/retry.h"

#include <gtest/gtest.h>

#include "common/rpc/status.h"
#include "mailmesh/fetch/v1/fetch_job_service.pb.h"
#include "mailmesh/fetch/v1/fetcher_service.pb.h"
#include "mailmesh/mailbox/v1/mailbox_service.pb.h"
#include "echo_service.h"

namespace mailmesh::rpc {
namespace {

TEST(PauseBeforeRetry, OnlyUnavailable) {
  absl::Time now = absl::Now();
  for (int code = 1; code <= 16; ++code) {
    absl::Status failure(static_cast<absl::StatusCode>(code), "");
    EXPECT_EQ(PauseBeforeRetry(RetryPolicy{}, failure, 1, now + absl::Hours(1), now).has_value(),
              failure.code() == absl::StatusCode::kUnavailable)
        << code;
  }
}

TEST(PauseBeforeRetry, GrowsWithJitterToItsLimit) {
  absl::Time now = absl::Now();
  RetryPolicy policy{.max_attempts = 100};
  absl::Status failure = absl::UnavailableError("");
  for (int attempt = 1; attempt < 100; ++attempt) {
    absl::Duration full =
        attempt > 6 ? policy.max_pause : std::min(policy.max_pause, policy.initial_pause * (1 << (attempt - 1)));
    absl::Duration pause = *PauseBeforeRetry(policy, failure, attempt, absl::InfiniteFuture(), now);
    EXPECT_GE(pause, full / 2) << attempt;
    EXPECT_LE(pause, full) << attempt;
  }
  EXPECT_FALSE(PauseBeforeRetry(policy, failure, 100, absl::InfiniteFuture(), now).has_value());
}

TEST(PauseBeforeRetry, KeepsTheDeadlineAndWhatThePeerAsks) {
  absl::Time now = absl::Now();
  absl::Status failure = absl::UnavailableError("");
  EXPECT_FALSE(PauseBeforeRetry(RetryPolicy{}, failure, 1, now + absl::Milliseconds(1), now).has_value());
  absl::Status later = WithRetryDelay(failure, absl::Seconds(10));
  EXPECT_EQ(PauseBeforeRetry(RetryPolicy{}, later, 1, absl::InfiniteFuture(), now), absl::Seconds(10));
  EXPECT_FALSE(PauseBeforeRetry(RetryPolicy{}, later, 1, now + absl::Seconds(9), now).has_value());
}

TEST(Retry, OutlivesARestart) {
  EchoMesh mesh;
  mesh.StopServer();
  std::thread restart([&mesh] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    mesh.StartServer();
  });
  EchoRequest request;
  request.set_text("again");
  RetryPolicy policy{.max_attempts = 100, .max_pause = absl::Milliseconds(100)};
  absl::StatusOr<EchoResponse> reply = mesh.client().Run(RetryUnary(
      mesh.async(), &EchoAsync::Echo, request, CallContext::Within(absl::Seconds(10)), policy));
  restart.join();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->text(), "again");
}

TEST(Retry, WhatIsNotUnavailableIsAskedOnce) {
  EchoMesh mesh;
  for (int code = 1; code <= 16; ++code) {
    EchoRequest request;
    request.set_fail_code(code);
    int attempts = 0;
    RetryPolicy policy{.max_attempts = 3, .initial_pause = absl::Milliseconds(1)};
    CallContext context = CallContext::Within(absl::Seconds(10));
    auto attempt = [&](const CallContext& bounded) {
      ++attempts;
      return UnaryCall(mesh.async(), &EchoAsync::Echo, request, bounded);
    };
    absl::StatusOr<EchoResponse> reply = mesh.client().Run(Retry<EchoResponse>(policy, context, attempt));
    const auto expected = static_cast<absl::StatusCode>(code);
    EXPECT_EQ(reply.status().code(), expected);
    EXPECT_EQ(attempts, expected == absl::StatusCode::kUnavailable ? 3 : 1) << expected;
  }
}

TEST(Retry, OnlyWhatMayBeRepeatedIs) {
  const auto may = [](const auto& request) {
    return rpc_internal::MayRepeat(rpc_internal::RepeatabilityOf(*request.GetDescriptor()), request);
  };
  // By its id.
  fetch::v1::FinishFetchRunRequest finish;
  EXPECT_FALSE(may(finish));
  finish.set_request_id("1");
  EXPECT_TRUE(may(finish));
  // By its contract.
  EXPECT_TRUE(may(fetch::v1::ListSeenIdsRequest()));
  EXPECT_TRUE(may(mailbox::v1::OpenMailboxRequest()));
  // By nothing.
  EXPECT_FALSE(may(fetch::v1::AddKeyRequest()));
  EXPECT_FALSE(may(fetch::v1::LeaseFetchJobsRequest()));
  // No request of any method.
  EXPECT_FALSE(may(fetch::v1::FetchJob()));
}

TEST(Retry, WhatMayNotBeRepeatedIsMadeOnce) {
  EchoMesh mesh;
  mesh.StopServer();
  rpctest::v1::EchoOnceRequest request;
  RetryPolicy policy{.max_attempts = 100, .initial_pause = absl::Seconds(30), .max_pause = absl::Seconds(30)};
  const absl::Time begin = absl::Now();
  auto reply = mesh.client().Run(
      RetryUnary(mesh.async(), &EchoAsync::EchoOnce, request, CallContext::Within(absl::Seconds(60)), policy));
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
}

TEST(Retry, EndsWithTheLastErrorInsideTheDeadline) {
  EchoMesh mesh;
  mesh.StopServer();
  EchoRequest request;
  absl::Time begin = absl::Now();
  RetryPolicy policy{.max_attempts = 1000};
  absl::StatusOr<EchoResponse> reply = mesh.client().Run(RetryUnary(
      mesh.async(), &EchoAsync::Echo, request, CallContext::Within(absl::Milliseconds(500)), policy));
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(2));
}

}  // namespace
}  // namespace mailmesh::rpc
