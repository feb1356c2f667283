// Reflection is there where it is configured, and nowhere else.
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>

#include "common/rpc/status_mapping.h"
#include "echo_service.h"

namespace mailmesh::rpc {
namespace {

// Asks for the list of services (grpc.reflection.v1alpha: list_services = 7), of which the answer's octets are returned.
absl::StatusOr<std::string> ListServices(const std::string& endpoint) {
  ChannelOptions options;
  options.endpoint = endpoint;
  std::shared_ptr<grpc::Channel> channel = MakeChannel(options).value();
  const grpc::Slice list_services("\x3a\x01*", 3);
  const grpc::ByteBuffer request(&list_services, 1);
  grpc::ByteBuffer response;
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  // One message each way is all of this stream, as of a unary call.
  const grpc::internal::RpcMethod method("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                         grpc::internal::RpcMethod::BIDI_STREAMING);
  const grpc::Status status = grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer>(
      channel.get(), method, &context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  grpc::Slice slice;
  if (!response.TrySingleSlice(&slice).ok()) return absl::InternalError("more than one slice");
  return std::string(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

TEST(Reflection, IsThereWhereItIsConfigured) {
  TempFolder folder;
  IoThread io;
  base::WorkerPool pool{base::WorkerPool::Options{.name = "test"}};
  EchoServiceImpl service(io.io().get_executor(), pool);
  ServerOptions options;
  options.endpoint = "unix:" + folder.path() + "/off.sock";
  {
    auto server = Server::Start(options, {&service}).value();
    EXPECT_EQ(ListServices(server->endpoint()).status().code(), absl::StatusCode::kUnimplemented);
  }
  options.endpoint = "unix:" + folder.path() + "/on.sock";
  options.reflection = true;
  auto server = Server::Start(options, {&service}).value();
  const absl::StatusOr<std::string> services = ListServices(server->endpoint());
  ASSERT_TRUE(services.ok()) << services.status();
  EXPECT_NE(services->find("mailmesh.rpctest.v1.EchoService"), std::string::npos);
  EXPECT_NE(services->find("grpc.health.v1.Health"), std::string::npos);
}

}  // namespace
}  // namespace mailmesh::rpc
