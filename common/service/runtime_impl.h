// The Runtime of a process: owns its parts and knows in which order they come and go. Private to this folder.
//
// Flow: constructor; StartAdmin; (App::Create); StartGrpc; (App::Start); ... BeginDrain; StopListeners; WaitForConnections;
// StopGrpc; StopThreads; destroy.
#ifndef MAILMESH_COMMON_SERVICE_RUNTIME_IMPL_H_
#define MAILMESH_COMMON_SERVICE_RUNTIME_IMPL_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/net/io_pool.h"
#include "common/rpc/metrics.h"
#include "common/rpc/server.h"
#include "common/service/admin_server.h"
#include "common/service/endpoints_file.h"
#include "common/service/heartbeat.h"
#include "common/service/lifecycle.h"
#include "common/service/listeners.h"
#include "common/service/peers.h"
#include "common/service/proxy_listener.h"
#include "common/service/runtime.h"
#include "common/service/schema_state.h"
#include "common/service/supervisor_notify.h"
#include "common/service/tls_contexts.h"
#include "common/telemetry/pool_metrics.h"
#include "mailmesh/config/v1/common.pb.h"

namespace mailmesh::service {

class RuntimeImpl final : public Runtime {
 public:
  struct Options {
    std::string role;
    // The effective configuration as text, for control.v1.
    std::string config;
    // Outlives the runtime.
    const config::v1::CommonConfig& common;
    net::InheritedSockets inherited;
    SupervisorNotify notify;
    std::string endpoints_file;
    // Whether gRPC connections end now and then, so that clients find new replicas.
    bool balanced = true;
  };

  explicit RuntimeImpl(Options options);
  ~RuntimeImpl() override;

  absl::Status StartAdmin();
  // Whether the certificate of grpc.tls can be used and is of this role: a peer that is met later must not be the first to find out.
  absl::Status CheckIdentity() const;
  absl::Status StartGrpc();
  void SetReady();
  // Health says NOT_SERVING; everything still works.
  void BeginDrain();
  // How long after that calls still come from callers that picked this replica before (common/rpc/replica_picker.h).
  absl::Duration late_calls() const;
  void StopListeners();
  // Waits until the last connection that was taken has gone, also one whose session had not begun.
  void WaitForConnections(absl::Time deadline);
  // Sessions, and connections that are not yet: in a handshake, or before what a load balancer says.
  size_t connections() { return listeners_.connections(); }
  void StopGrpc(absl::Time deadline);
  // Ends the I/O threads and, after what they accepted, the worker pools.
  void StopThreads();
  void ReloadCertificates() { tls_.Reload(); }
  Lifecycle& lifecycle() { return lifecycle_; }
  // Before the App is destroyed: nothing asks it any more.
  void ForgetApp() {
    lifecycle_.ForgetChecks();
    schema_.Forget();
  }

  // Runtime
  std::string_view role() const override { return role_; }
  std::string_view name() const override { return name_; }
  const config::v1::CommonConfig& common() const override { return common_; }
  net::IoPool& io() override { return io_; }
  telemetry::Registry& metrics() override { return metrics_; }
  const base::Clock& clock() const override { return base::Clock::Real(); }
  SessionRegistry& sessions() override { return sessions_; }
  base::WorkerPool& Pool(std::string_view name, int threads, size_t queue_limit) override;
  void AddGrpcService(grpc::Service* service) override;
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Channel(std::string_view peer) override {
    return peers_.Channel(peer);
  }
  absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelTo(std::string_view role, std::string_view endpoint) override {
    return peers_.ChannelTo(role, endpoint);
  }
  absl::StatusOr<bool> StartListener(std::string_view name, const config::v1::ListenerConfig& config,
                                     net::ListenerOptions options, Handler handler) override;
  absl::StatusOr<bool> StartProxyListener(std::string_view name, const config::v1::ProxyListenerConfig& config,
                                          net::ListenerOptions options, Handler handler) override;
  absl::StatusOr<std::shared_ptr<net::TlsServerContext>> LoadTls(std::string_view name,
                                                                 const config::v1::ServerTlsConfig& config) override {
    return tls_.Load(name, config);
  }
  void AddReadinessCheck(std::string_view name, std::function<absl::Status()> check) override {
    lifecycle_.AddCheck(name, std::move(check));
  }
  void SetDatabaseSchema(DatabaseSchema schema) override { schema_.Set(schema); }
  void OnFinalizeUpgrade(std::function<absl::Status()> finalize) override { schema_.OnFinalize(std::move(finalize)); }
  void PublishEndpoint(std::string_view name, std::string_view address) override;
  bool closing() const override { return lifecycle_.closed(); }
  absl::Duration drain_window() const override;
  void RequestExit(absl::Status status) override;

 private:
  struct NamedPool {
    std::unique_ptr<base::WorkerPool::Observer> observer;
    std::unique_ptr<base::WorkerPool> pool;
  };

  bool found_by_name() const;

  const std::string role_;
  const std::string config_;
  const config::v1::CommonConfig& common_;
  const std::string name_;
  const SupervisorNotify notify_;
  const bool balanced_;
  EndpointsFile endpoints_;
  // What others count on comes first and goes last.
  telemetry::Registry metrics_;
  telemetry::ScrapeHook process_metrics_;
  telemetry::PoolMetrics pool_metrics_;
  telemetry::Counter panics_;
  rpc::Metrics rpc_metrics_;
  Lifecycle lifecycle_;
  SchemaState schema_;
  SessionRegistry sessions_;
  const telemetry::CounterFamily drain_closed_;
  telemetry::ScrapeHook drain_hook_;
  absl::Mutex pools_mutex_;
  std::map<std::string, NamedPool, std::less<>> pools_ ABSL_GUARDED_BY(pools_mutex_);
  net::IoPool io_;
  TlsContexts tls_;
  Listeners listeners_;
  ProxyListeners proxy_listeners_;
  Peers peers_;
  std::unique_ptr<grpc::Service> control_;
  std::vector<grpc::Service*> services_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<Heartbeat> heartbeat_;
  std::unique_ptr<AdminServer> admin_;
};

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_RUNTIME_IMPL_H_
