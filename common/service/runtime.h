// What a process gets from its surroundings: threads, metrics, gRPC, listeners, certificates, sessions, peers.
//
// Made by Run (run.h) before the App and destroyed after it; an App borrows it for its whole life. All methods are
// thread-safe unless said; those marked "from Create" must be called before the gRPC server starts, that is in
// App::Create.
#ifndef MAILMESH_COMMON_SERVICE_RUNTIME_H_
#define MAILMESH_COMMON_SERVICE_RUNTIME_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/worker_pool.h"
#include "common/service/session_registry.h"
#include "common/telemetry/metrics.h"

// Only what is passed on by reference: the roles include the headers of what they use.
namespace grpc {
class Channel;
class Service;
}  // namespace grpc
namespace mailmesh::config::v1 {
class CommonConfig;
class ListenerConfig;
class ProxyListenerConfig;
class ServerTlsConfig;
}  // namespace mailmesh::config::v1
namespace mailmesh::net {
class IoPool;
class Stream;
class TlsServerContext;
struct ListenerOptions;
}  // namespace mailmesh::net
namespace asio {
class any_io_executor;
template <typename, typename>
class awaitable;
}  // namespace asio

namespace mailmesh::service {

// Which schema a process's database has, and which is the newest that its program knows (control.v1 DatabaseSchema).
struct DatabaseSchema {
  uint32_t version = 0;
  uint32_t newest = 0;
  // Accounts that the step to `version` has still to read.
  uint64_t step_left = 0;
};

class Runtime {
 public:
  // The coroutine that serves one connection; spawned on the connection's own I/O thread.
  using Handler = std::function<asio::awaitable<void, asio::any_io_executor>(net::Stream)>;

  virtual ~Runtime() = default;

  // "imap_gateway"; and the name of this process, which may tell replicas apart ("imap_gateway.1").
  virtual std::string_view role() const = 0;
  virtual std::string_view name() const = 0;
  virtual const config::v1::CommonConfig& common() const = 0;

  virtual net::IoPool& io() = 0;
  virtual telemetry::Registry& metrics() = 0;
  virtual const base::Clock& clock() const = 0;
  virtual SessionRegistry& sessions() = 0;

  // The worker pool of this name, made with the first call (later calls give the same one, whatever their numbers).
  // `threads` 0: one for each core. Lives until the App is destroyed.
  virtual base::WorkerPool& Pool(std::string_view name, int threads, size_t queue_limit = 10'000) = 0;

  // From Create. The service must live until the App is destroyed; its callbacks end before that.
  virtual void AddGrpcService(grpc::Service* service) = 0;

  // The channel to another role by its name in `peers` of the configuration; NotFound when it is not there. One channel
  // for each peer, shared by all callers.
  virtual absl::StatusOr<std::shared_ptr<grpc::Channel>> Channel(std::string_view peer) = 0;
  // The channel to an endpoint that was learnt at run time (a shard of the directory's map), where the role `role`
  // answers; one for each endpoint, as long as somebody keeps it.
  virtual absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelTo(std::string_view role,
                                                                   std::string_view endpoint) = 0;

  // ChannelTo(role, .) as a function, null where there can be no channel: what auth::ShardMap takes.
  std::function<std::shared_ptr<grpc::Channel>(const std::string& endpoint)> ChannelsTo(std::string role) {
    return [this, role = std::move(role)](const std::string& endpoint) { return ChannelTo(role, endpoint).value_or(nullptr); };
  }

  // Opens the protocol listener `name`: the inherited sockets of that name (LISTEN_FDS), else the configured address.
  // Limits come from `config`; of `options` the refusal line and hooks are used. The actual address is published.
  // False where the configuration has no address and nothing was inherited. Stopped by the drain, before App::Drain.
  virtual absl::StatusOr<bool> StartListener(std::string_view name, const config::v1::ListenerConfig& config,
                                             net::ListenerOptions options, Handler handler) = 0;

  // The same for load balancers, which tell whose connection it is by the PROXY protocol.
  virtual absl::StatusOr<bool> StartProxyListener(std::string_view name, const config::v1::ProxyListenerConfig& config,
                                                  net::ListenerOptions options, Handler handler) = 0;

  // Certificates of protocol ports: loaded, reloaded when the files change and on SIGHUP, their expiry in metrics under
  // the label name=`name`. FailedPrecondition where the configuration names none.
  virtual absl::StatusOr<std::shared_ptr<net::TlsServerContext>> LoadTls(std::string_view name,
                                                                         const config::v1::ServerTlsConfig& config) = 0;

  // /readyz and control.v1 ask `check`, on their own threads: it must be quick. Only what is this process's own (its
  // database, its certificates): another role being away makes nobody unready.
  virtual void AddReadinessCheck(std::string_view name, std::function<absl::Status()> check) = 0;

  // What the process's database is, for control.v1 and /metrics. Values, not a function, so that nothing is asked of a database that
  // is being closed: whoever changes it says so again.
  virtual void SetDatabaseSchema(DatabaseSchema schema) = 0;
  // From Create. What control.v1 FinalizeUpgrade does here; it may block. Forgotten before the App is destroyed.
  virtual void OnFinalizeUpgrade(std::function<absl::Status()> finalize) = 0;

  // Makes an address known: to the log, and to the file named by MAILMESH_ENDPOINTS_FILE as a line "name=address".
  virtual void PublishEndpoint(std::string_view name, std::string_view address) = 0;

  // The delay after the first sign of the end is over and listeners are closed: what waits for something to do stops waiting.
  virtual bool closing() const = 0;
  // How long sessions have to end by themselves once listeners are closed.
  virtual absl::Duration drain_window() const = 0;

  // Ends the process: by a drain when `status` is OK; at once, with exit code 1 after logging it, otherwise (a database
  // that cannot go on).
  virtual void RequestExit(absl::Status status) = 0;
};

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_RUNTIME_H_
