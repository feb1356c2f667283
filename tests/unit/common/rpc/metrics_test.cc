#include "common/rpc/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/rpc/client_call.h"
#include "common/rpc/client_stream.h"
#include "echo_service.h"

namespace mailmesh::rpc {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kEcho[] = R"(grpc_method="Echo",grpc_service="mailmesh.rpctest.v1.EchoService")";

TEST(Metrics, CountCalls) {
  telemetry::Registry registry;
  Metrics metrics(registry);
  ServerOptions server;
  server.metrics = &metrics;
  ChannelOptions channel;
  channel.metrics = &metrics;
  EchoMesh mesh(server, channel);
  CallContext context = CallContext::Within(absl::Seconds(20));
  EchoRequest request;
  for (int code : {0, 0, 5}) {
    request.set_fail_code(code);
    mesh.client().Run(UnaryCall(mesh.async(), &EchoAsync::Echo, request, context)).status().IgnoreError();
  }
  CountRequest count;
  count.set_to(4);
  auto stream = ServerStream<CountResponse>::Start(mesh.async(), &EchoAsync::Count, count, context);
  while (mesh.client().Run(stream.Read()).value().has_value()) {
  }
  mesh.StopServer();
  std::string text = registry.Text();
  EXPECT_THAT(text, HasSubstr(std::string("grpc_server_started_total{") + kEcho + R"(,grpc_type="unary"} 3)"));
  EXPECT_THAT(text, HasSubstr(std::string(R"(grpc_server_handled_total{grpc_code="OK",)") + kEcho +
                              R"(,grpc_type="unary"} 2)"));
  EXPECT_THAT(text, HasSubstr(std::string(R"(grpc_server_handled_total{grpc_code="NotFound",)") + kEcho +
                              R"(,grpc_type="unary"} 1)"));
  EXPECT_THAT(text, HasSubstr(std::string("grpc_server_handling_seconds_count{") + kEcho));
  EXPECT_THAT(text, HasSubstr(std::string(R"(grpc_client_handled_total{grpc_code="OK",)") + kEcho +
                              R"(,grpc_target="echo",grpc_type="unary"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(grpc_client_msg_received_total{grpc_method="Count",)"
                              R"(grpc_service="mailmesh.rpctest.v1.EchoService",grpc_target="echo",)"
                              R"(grpc_type="server_stream"} 4)"));
  EXPECT_THAT(text, Not(HasSubstr("other")));
}

}  // namespace
}  // namespace mailmesh::rpc
