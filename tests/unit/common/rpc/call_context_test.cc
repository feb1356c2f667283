#include "common/rpc/call_context.h"

#include <gtest/gtest.h>

#include "common/rpc/client_call.h"
#include "echo_service.h"

namespace mailmesh::rpc {
namespace {

TEST(CallContext, TravelsToTheHandlerAndBeyond) {
  EchoMesh mesh;
  CallContext context = CallContext::Within(absl::Seconds(20), "session-1");
  context.traceparent = NewTraceparent();
  EchoRequest request;
  for (auto method : {static_cast<void (EchoAsync::*)(grpc::ClientContext*, const EchoRequest*, EchoResponse*,
                                                      std::function<void(grpc::Status)>)>(&EchoAsync::Echo),
                      static_cast<void (EchoAsync::*)(grpc::ClientContext*, const EchoRequest*, EchoResponse*,
                                                      std::function<void(grpc::Status)>)>(&EchoAsync::EchoForward)}) {
    absl::StatusOr<EchoResponse> reply = mesh.client().Run(UnaryCall(mesh.async(), method, request, context));
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->correlation_id(), "session-1");
    EXPECT_EQ(reply->traceparent(), context.traceparent);
    EXPECT_GT(reply->deadline_ms(), 10'000);
    EXPECT_LE(reply->deadline_ms(), 20'000);
  }
}

TEST(CallContext, IdsThatHttpDoesNotAllowAreNotSent) {
  EchoMesh mesh;
  EchoRequest request;
  for (const std::string& id : {std::string("line\r\nbreak"), std::string("nul\0", 4), std::string(129, 'x'),
                                std::string("\xc3\xa4"), std::string(" ")}) {
    CallContext context = CallContext::Within(absl::Seconds(20), id);
    absl::StatusOr<EchoResponse> reply =
        mesh.client().Run(UnaryCall(mesh.async(), &EchoAsync::Echo, request, context));
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->correlation_id(), "");
  }
}

TEST(CallContext, AtMost) {
  CallContext context = CallContext::Within(absl::Seconds(100));
  EXPECT_LT(context.AtMost(absl::Seconds(1)).deadline, context.deadline);
  EXPECT_EQ(context.AtMost(absl::InfiniteDuration()).deadline, context.deadline);
  EXPECT_EQ(CallContext::Until(std::chrono::steady_clock::time_point::max()).deadline, absl::InfiniteFuture());
}

TEST(CallContext, FreshIds) {
  EXPECT_NE(NewCorrelationId(), NewCorrelationId());
  EXPECT_EQ(NewTraceparent().size(), 55u);
}

}  // namespace
}  // namespace mailmesh::rpc
