// Channels to other roles.
//
//   rpc::ChannelOptions options;
//   options.endpoint = "unix:/run/mailmesh/directory.sock";
//   options.role = "directory";
//   ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel, rpc::MakeChannel(options));
//   auto stub = directory::v1::DirectoryService::NewStub(channel);
//
// "unix:PATH" of any length; "host:port" with mutual TLS, one connection; "dns:///host:port" with mutual TLS and round robin
// over the replicas that are healthy (grpc.health.v1, client-side); "dns://RESOLVER/host:port" asks that DNS server for them.
// Several of "unix:PATH", or of "address:port", separated by commas: the same round robin over replicas that stay where they are.
// Connects when first used and again after a loss (50 ms to 2 s of pause); calls meanwhile fail with UNAVAILABLE.
// Making a channel is cheap and blocks for nothing but reading certificates; keep it for long.
// Thread-safety: channels and stubs from any thread.
#ifndef MAILMESH_COMMON_RPC_CHANNEL_H_
#define MAILMESH_COMMON_RPC_CHANNEL_H_

#include <grpcpp/channel.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/rpc/metrics.h"
#include "common/rpc/tls.h"

namespace mailmesh::rpc {

struct ChannelOptions {
  std::string endpoint;
  // The role that must answer ("mailbox_store"): over TLS its certificate must say so; also the metrics' grpc_target.
  std::string role;
  // Required unless the endpoint is a Unix socket.
  std::optional<TlsFiles> tls;
  // May be null; outlives the channel and its calls.
  Metrics* metrics = nullptr;
};

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options);

// Whether calls to this endpoint go over TCP, and so need mutual TLS. InvalidArgument where MakeChannel would not take it.
absl::StatusOr<bool> NeedsTls(std::string_view endpoint);

// Whether there can be one process only behind this endpoint: a Unix socket.
bool IsOneProcess(std::string_view endpoint);

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_CHANNEL_H_
