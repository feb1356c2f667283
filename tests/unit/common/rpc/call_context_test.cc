#include "common/rpc/call_context.h"

#include <gtest/gtest.h>

#include "common/rpc/client_call.h"
#include "echo_service.h"

namespace mailmesh::rpc {
namespace {

TEST(CallContext, TravelsToTheHandlerAndBeyond) {
  EchoMesh mesh;
  CallContext context = CallContext::Within(absl::Seconds(20), telemetry::Trace::New());
  EchoRequest request;
  for (auto method : {static_cast<void (EchoAsync::*)(grpc::ClientContext*, const EchoRequest*, EchoResponse*,
                                                      std::function<void(grpc::Status)>)>(&EchoAsync::Echo),
                      static_cast<void (EchoAsync::*)(grpc::ClientContext*, const EchoRequest*, EchoResponse*,
                                                      std::function<void(grpc::Status)>)>(&EchoAsync::EchoForward)}) {
    absl::StatusOr<EchoResponse> reply = mesh.client().Run(UnaryCall(mesh.async(), method, request, context));
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->trace_id(), context.trace.trace_id);
    EXPECT_NE(reply->span_id(), context.trace.span_id);
    EXPECT_GT(reply->deadline_ms(), 10'000);
    EXPECT_LE(reply->deadline_ms(), 20'000);
  }
}

// What an older version calls a message is no trace-id of W3C's: the call has a trace of its own.
TEST(CallContext, IdsThatAreNoneOfW3CsAreNotSent) {
  EchoMesh mesh;
  EchoRequest request;
  for (const std::string& id : {std::string(""), std::string("01hq0z"), std::string("line\r\nbreak"), std::string(32, '0')}) {
    CallContext context = CallContext::Within(absl::Seconds(20), telemetry::Trace{id, "00000000000000a1"});
    absl::StatusOr<EchoResponse> reply = mesh.client().Run(UnaryCall(mesh.async(), &EchoAsync::Echo, request, context));
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->trace_id().size(), 32u);
    EXPECT_NE(reply->trace_id(), id);
  }
}

TEST(CallContext, AtMost) {
  CallContext context = CallContext::Within(absl::Seconds(100));
  EXPECT_LT(context.AtMost(absl::Seconds(1)).deadline, context.deadline);
  EXPECT_EQ(context.AtMost(absl::InfiniteDuration()).deadline, context.deadline);
  EXPECT_EQ(CallContext::Until(std::chrono::steady_clock::time_point::max()).deadline, absl::InfiniteFuture());
}

}  // namespace
}  // namespace mailmesh::rpc
