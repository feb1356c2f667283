// A role's gRPC server.
//
//   rpc::ServerOptions options;
//   options.endpoint = "unix:/run/mailmesh/directory.sock";
//   ASSIGN_OR_RETURN(auto server, rpc::Server::Start(options, {&directory_service, &auth_service}));
//   server->SetServing(true);
//   ...
//   server->SetServing(false); server->Shutdown(absl::Now() + absl::Seconds(10));
//
// "unix:PATH": the folder must be of mode 0700 and ours; the kernel is the authentication. Any length of path.
// "host:port": mutual TLS only, and the access table; refuses to start without certificates. Port 0: the system chooses.
// Comes with the standard health service (grpc.health.v1, "" and each service's name, NOT_SERVING until SetServing).
// Messages of up to 4 MiB; 256 KiB ahead of a reader that stalls (no BDP probe).
// Thread-safety: all functions from any thread.
#ifndef MAILMESH_COMMON_RPC_SERVER_H_
#define MAILMESH_COMMON_RPC_SERVER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/metrics.h"
#include "common/rpc/tls.h"

namespace grpc {
class Service;
}

namespace mailmesh::rpc {

struct ServerOptions {
  std::string endpoint;
  // Required with host:port.
  std::optional<TlsFiles> tls;
  // Server reflection.
  bool reflection = false;
  // Calls in flight beyond which new ones are refused with RESOURCE_EXHAUSTED/OVERLOAD.
  int max_calls = 10'000;
  // For roles behind round robin over host:port: connections end after this age (gRPC adds 10 % jitter), calls under way
  // get `connection_grace`, and clients look for new replicas when they connect again. Watch streams end with it and
  // resume. Infinite where there is no balancing (mailbox_store's shards) and on Unix sockets.
  absl::Duration max_connection_age = absl::InfiniteDuration();
  absl::Duration connection_grace = absl::Seconds(30);
  // May be null; outlives the server.
  Metrics* metrics = nullptr;
};

class Server {
 public:
  // The services outlive the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       const std::vector<grpc::Service*>& services);
  // Shutdown with a deadline of now.
  virtual ~Server() = default;

  // Where it listens: the options' endpoint, with the port that was bound.
  virtual const std::string& endpoint() const = 0;
  // Health of all services.
  virtual void SetServing(bool serving) = 0;
  // Calls that handlers have not answered yet.
  virtual int calls_in_flight() const = 0;
  // Asks streams to finish (StreamControl::draining). Shutdown begins with it.
  virtual void Drain() = 0;
  // Takes no new calls, asks streams to finish, waits for calls until `deadline`, cancels the rest and waits for their
  // handlers. Blocks; never from a handler. Again: nothing.
  virtual void Shutdown(absl::Time deadline) = 0;
};

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_SERVER_H_
