#include "common/rpc/client_call.h"

#include <gtest/gtest.h>

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include "common/rpc/blocking_call.h"
#include "common/rpc/status.h"
#include "echo_service.h"

namespace mailmesh::rpc {
namespace {

using UnaryMethod = void (EchoAsync::*)(grpc::ClientContext*, const EchoRequest*, EchoResponse*,
                                        std::function<void(grpc::Status)>);

absl::StatusOr<EchoResponse> Call(EchoMesh& mesh, UnaryMethod method, const EchoRequest& request,
                                  absl::Duration timeout = absl::Seconds(20)) {
  return mesh.client().Run(UnaryCall(mesh.async(), method, request, CallContext::Within(timeout)));
}

class AllWays : public testing::TestWithParam<UnaryMethod> {
 protected:
  EchoMesh mesh_;
  EchoRequest request_;
};

TEST_P(AllWays, Answer) {
  request_.set_text("hello");
  absl::StatusOr<EchoResponse> reply = Call(mesh_, GetParam(), request_);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->text(), "hello");
  EXPECT_TRUE(Eventually([this] { return mesh_.server().calls_in_flight() == 0; }));
}

TEST_P(AllWays, Fail) {
  request_.set_fail_code(static_cast<int>(absl::StatusCode::kResourceExhausted));
  request_.set_fail_reason(type::v1::ERROR_REASON_QUOTA);
  request_.set_text("full");
  absl::StatusOr<EchoResponse> reply = Call(mesh_, GetParam(), request_);
  EXPECT_EQ(reply.status(), MakeError(absl::StatusCode::kResourceExhausted, type::v1::ERROR_REASON_QUOTA, "full"));
}

TEST_P(AllWays, Throw) {
  request_.set_text("throw");
  absl::StatusOr<EchoResponse> reply = Call(mesh_, GetParam(), request_);
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(Eventually([this] { return mesh_.server().calls_in_flight() == 0; }));
}

INSTANTIATE_TEST_SUITE_P(Unary, AllWays,
                         testing::Values(UnaryMethod(&EchoAsync::Echo), UnaryMethod(&EchoAsync::EchoOnPool),
                                         UnaryMethod(&EchoAsync::EchoDeferred), UnaryMethod(&EchoAsync::EchoForward)));

TEST(UnaryCall, DroppedResponderAnswers) {
  EchoMesh mesh;
  EchoRequest request;
  request.set_text("drop");
  EXPECT_EQ(Call(mesh, &EchoAsync::EchoDeferred, request).status().code(), absl::StatusCode::kInternal);
}

TEST(UnaryCall, WantsADeadline) {
  EchoMesh mesh;
  EchoRequest request;
  absl::StatusOr<EchoResponse> reply =
      mesh.client().Run(UnaryCall(mesh.async(), &EchoAsync::Echo, request, CallContext::NoDeadline()));
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kInternal);
}

TEST(UnaryCall, DeadlineEndsItOnBothSides) {
  EchoMesh mesh;
  EchoRequest request;
  request.set_delay_ms(-1);
  EXPECT_EQ(Call(mesh, &EchoAsync::Echo, request, absl::Milliseconds(100)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(Eventually([&] { return mesh.counters().cancelled == 1 && mesh.counters().running == 0; }));
}

TEST(UnaryCall, PastDeadline) {
  EchoMesh mesh;
  EXPECT_EQ(Call(mesh, &EchoAsync::Echo, EchoRequest(), -absl::Seconds(1)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

// True when the timer was first.
asio::awaitable<bool> CallOrTimeout(EchoMesh* mesh, UnaryMethod method, int milliseconds) {
  using namespace asio::experimental::awaitable_operators;
  EchoRequest request;
  request.set_delay_ms(-1);
  CallContext context = CallContext::Within(absl::Seconds(60));
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, std::chrono::milliseconds(milliseconds));
  auto result = co_await (UnaryCall(mesh->async(), method, request, context) || timer.async_wait(asio::use_awaitable));
  co_return result.index() == 1;
}

TEST(UnaryCall, CancellingTheCoroutineCancelsTheCall) {
  EchoMesh mesh;
  for (int delay : {0, 1, 50}) {
    EXPECT_TRUE(mesh.client().Run(CallOrTimeout(&mesh, &EchoAsync::Echo, delay)));
  }
  EXPECT_TRUE(Eventually([&] { return mesh.counters().running == 0 && mesh.server().calls_in_flight() == 0; }));
}

TEST(UnaryCall, CancellationTravelsDownstream) {
  EchoMesh mesh;
  EXPECT_TRUE(mesh.client().Run(CallOrTimeout(&mesh, &EchoAsync::EchoForward, 100)));
  EXPECT_TRUE(Eventually([&] { return mesh.counters().cancelled == 1 && mesh.server().calls_in_flight() == 0; }));
}

TEST(UnaryCall, ServerGoneAndBack) {
  EchoMesh mesh;
  EchoRequest request;
  ASSERT_TRUE(Call(mesh, &EchoAsync::Echo, request).ok());
  mesh.StopServer();
  absl::Time begin = absl::Now();
  EXPECT_EQ(Call(mesh, &EchoAsync::Echo, request).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(2));
  mesh.StartServer();
  EXPECT_TRUE(Eventually([&] { return Call(mesh, &EchoAsync::Echo, request).ok(); }));
}

TEST(UnaryCall, ServerGoesDuringTheCall) {
  EchoMesh mesh;
  std::thread stop([&mesh] {
    Eventually([&] { return mesh.counters().running == 1; });
    mesh.StopServer(absl::Milliseconds(50));
  });
  EchoRequest request;
  request.set_delay_ms(-1);
  absl::StatusOr<EchoResponse> reply = Call(mesh, &EchoAsync::Echo, request);
  stop.join();
  EXPECT_FALSE(reply.ok());
  EXPECT_TRUE(reply.status().code() == absl::StatusCode::kUnavailable ||
              reply.status().code() == absl::StatusCode::kCancelled)
      << reply.status();
}

TEST(UnaryCall, MessagesOverTheLimitAreRefused) {
  EchoMesh mesh;
  EchoRequest request;
  request.set_text(std::string(3 << 20, 'x'));
  EXPECT_TRUE(Call(mesh, &EchoAsync::Echo, request).ok());
  request.set_text(std::string((4 << 20) + 1, 'x'));
  EXPECT_EQ(Call(mesh, &EchoAsync::Echo, request).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(BlockingCall, AllKinds) {
  EchoMesh mesh;
  CallContext context = CallContext::Within(absl::Seconds(20), telemetry::Trace::New());
  EchoRequest request;
  request.set_text("x");
  absl::StatusOr<EchoResponse> reply = BlockingCall(mesh.stub(), &EchoStub::Echo, request, context);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->trace_id(), context.trace.trace_id);

  CountRequest count;
  count.set_to(5);
  int64_t sum = 0;
  auto add = [&sum](const CountResponse& message) {
    sum += message.number();
    return sum < 6 ? absl::OkStatus() : absl::AbortedError("enough");
  };
  EXPECT_EQ(BlockingRead(mesh.stub(), &EchoStub::Count, count, context, add), absl::AbortedError("enough"));
  EXPECT_EQ(sum, 6);

  int64_t number = 0;
  auto next = [&number](SumRequest* message) {
    message->set_number(++number);
    return number <= 3;
  };
  absl::StatusOr<SumResponse> total = BlockingWrite(mesh.stub(), &EchoStub::Sum, context, next);
  ASSERT_TRUE(total.ok()) << total.status();
  EXPECT_EQ(total->sum(), 6);
}

}  // namespace
}  // namespace mailmesh::rpc
