#include "common/rpc/server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "common/rpc/client_call.h"
#include "common/rpc/client_stream.h"
#include "common/rpc/status.h"
#include "echo_service.h"

namespace mailmesh::rpc {
namespace {

absl::Status CallOnce(EchoMesh& mesh, const EchoRequest& request = EchoRequest()) {
  CallContext context = CallContext::Within(absl::Seconds(20));
  return mesh.client().Run(UnaryCall(mesh.async(), &EchoAsync::Echo, request, context)).status();
}

TEST(Server, RefusesCallsBeyondItsLimit) {
  ServerOptions options;
  options.max_calls = 2;
  EchoMesh mesh(options);
  CountRequest stay;
  stay.set_stay(true);
  std::vector<ServerStream<CountResponse>> streams;
  for (int i = 0; i < 2; ++i) {
    streams.push_back(ServerStream<CountResponse>::Start(mesh.async(), &EchoAsync::Count, stay,
                                                         CallContext::Within(absl::Seconds(60))));
  }
  ASSERT_TRUE(Eventually([&] { return mesh.counters().running == 2; }));
  absl::Status refused = CallOnce(mesh);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), type::v1::ERROR_REASON_OVERLOAD);
  auto third = ServerStream<CountResponse>::Start(mesh.async(), &EchoAsync::Count, stay,
                                                  CallContext::Within(absl::Seconds(60)));
  EXPECT_EQ(ReasonOf(mesh.client().Run(third.Read()).status()), type::v1::ERROR_REASON_OVERLOAD);
  streams.clear();
  EXPECT_TRUE(Eventually([&] { return CallOnce(mesh).ok(); }));
}

TEST(Server, AFullPoolIsOverload) {
  EchoMesh mesh;  // one thread, four places
  std::atomic<bool> go{false};
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(mesh.pool().Post([&go] { Eventually([&go] { return go.load(); }); }).ok());
    Eventually([&] { return i > 0 || mesh.pool().queue_depth() == 0; });
  }
  CallContext context = CallContext::Within(absl::Seconds(20));
  EchoRequest request;
  absl::Status refused =
      mesh.client().Run(UnaryCall(mesh.async(), &EchoAsync::EchoOnPool, request, context)).status();
  EXPECT_EQ(ReasonOf(refused), type::v1::ERROR_REASON_OVERLOAD);
  go = true;
  EXPECT_TRUE(Eventually([&] {
    return mesh.client().Run(UnaryCall(mesh.async(), &EchoAsync::EchoOnPool, request, context)).ok();
  }));
}

TEST(Server, ShutdownWaitsForCallsAndThenCancelsThem) {
  EchoMesh mesh;
  EchoRequest request;
  request.set_delay_ms(200);
  std::thread stop([&mesh] {
    Eventually([&] { return mesh.counters().running == 1; });
    mesh.StopServer(absl::Seconds(20));
  });
  EXPECT_TRUE(CallOnce(mesh, request).ok());
  stop.join();
}

TEST(Server, ShutdownDoesNotWaitForIdleClients) {
  EchoMesh mesh;
  ASSERT_TRUE(CallOnce(mesh).ok());
  absl::Time begin = absl::Now();
  mesh.StopServer(absl::Seconds(20));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(2));
}

class ServerStart : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Server>> Start(const std::string& endpoint) {
    ServerOptions options;
    options.endpoint = endpoint;
    return Server::Start(options, {&service_});
  }

  TempFolder folder_;
  IoThread io_;
  base::WorkerPool pool_{base::WorkerPool::Options{.name = "test"}};
  EchoServiceImpl service_{io_.io().get_executor(), pool_};
};

TEST_F(ServerStart, TcpWithoutCertificatesIsRefused) {
  EXPECT_EQ(Start("127.0.0.1:0").status().code(), absl::StatusCode::kFailedPrecondition);
  ChannelOptions options;
  options.endpoint = "127.0.0.1:1";
  EXPECT_EQ(MakeChannel(options).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ServerStart, AnOpenFolderIsRefused) {
  ASSERT_EQ(chmod(folder_.path().c_str(), 0750), 0);
  EXPECT_EQ(Start("unix:" + folder_.path() + "/s").status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_EQ(chmod(folder_.path().c_str(), 0700), 0);
  EXPECT_TRUE(Start("unix:" + folder_.path() + "/s").ok());
  EXPECT_EQ(Start("unix:" + folder_.path() + "/missing/s").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ServerStart, BadEndpoints) {
  for (const char* endpoint : {"", "unix:", "nowhere", "http://x:1", "127.0.0.1:99999"}) {
    EXPECT_FALSE(Start(endpoint).ok()) << endpoint;
  }
}

TEST_F(ServerStart, PathsBeyondTheLimitOfSockets) {
  std::string deep = folder_.path();
  while (deep.size() < 300) {
    deep += "/a-folder-with-a-long-name";
    ASSERT_EQ(mkdir(deep.c_str(), 0700), 0);
  }
  for (int round = 0; round < 2; ++round) {  // the second meets the first one's socket
    absl::StatusOr<std::unique_ptr<Server>> server = Start("unix:" + deep + "/echo.sock");
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_EQ((*server)->endpoint(), "unix:" + deep + "/echo.sock");
    EXPECT_TRUE(std::filesystem::is_socket(deep + "/echo.sock"));
    ChannelOptions options;
    options.endpoint = (*server)->endpoint();
    std::unique_ptr<EchoStub> stub = rpctest::v1::EchoService::NewStub(MakeChannel(options).value());
    EchoRequest request;
    request.set_text("deep");
    absl::StatusOr<EchoResponse> reply =
        io_.Run(UnaryCall(stub->async(), &EchoAsync::Echo, request, CallContext::Within(absl::Seconds(20))));
    EXPECT_TRUE(reply.ok()) << reply.status();
  }
}

}  // namespace
}  // namespace mailmesh::rpc
