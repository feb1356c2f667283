#include "common/service/runtime_impl.h"

#include <grpcpp/impl/service_type.h>

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/config/duration.h"
#include "common/net/spawn.h"
#include "common/service/control_service.h"
#include "common/telemetry/log.h"
#include "common/telemetry/process_metrics.h"
#include "mailmesh/config/v1/proxy_listener.pb.h"

namespace mailmesh::service {
namespace {

constexpr absl::Duration kHeartbeat = absl::Seconds(2);
// Nothing on an I/O thread may take a second; a machine that swaps may make it thirty.
constexpr absl::Duration kStuck = absl::Seconds(30);
// A picked replica is used for 100 ms, and a call takes its time to come here.
constexpr absl::Duration kLateCalls = absl::Milliseconds(500);
constexpr absl::Duration kConnectionsLook = absl::Milliseconds(5);

std::vector<std::string> Lines(const absl::Status& status) {
  if (status.ok()) return {};
  return {std::string(base::Message(status))};
}

}  // namespace

RuntimeImpl::RuntimeImpl(Options options)
    : role_(std::move(options.role)),
      config_(std::move(options.config)),
      common_(options.common),
      name_(common_.name().empty() ? role_ : common_.name()),
      notify_(std::move(options.notify)),
      balanced_(options.balanced),
      endpoints_(std::move(options.endpoints_file)),
      process_metrics_(telemetry::AddProcessMetrics(metrics_, role_)),
      pool_metrics_(metrics_),
      panics_(metrics_.AddCounter("mailmesh_panics_total", "Exceptions that nobody caught: each is a fault of ours.")),
      rpc_metrics_(metrics_),
      lifecycle_(metrics_),
      schema_(metrics_),
      drain_closed_(metrics_.AddCounterFamily("mailmesh_drain_sessions_closed_total",
                                              "Sessions that ended in a drain: by themselves, told to, or cut off.",
                                              {{"reason", {"finished", "told", "cut"}}})),
      drain_hook_(metrics_.OnScrape([this] {
        const SessionRegistry::DrainCounts counts = sessions_.drain_counts();
        drain_closed_.At({0}).RaiseTo(static_cast<double>(counts.finished));
        drain_closed_.At({1}).RaiseTo(static_cast<double>(counts.told));
        drain_closed_.At({2}).RaiseTo(static_cast<double>(counts.cut));
      })),
      io_(common_.io_threads(), "io"),
      tls_(io_, metrics_),
      listeners_(io_, metrics_, std::move(options.inherited),
                 [this](std::string_view name, std::string_view address) { PublishEndpoint(name, address); }),
      proxy_listeners_(metrics_),
      peers_(common_, rpc_metrics_) {
  net::SetEscapeHook([panics = panics_](std::string_view name, std::string_view what) {
    panics.Increment();
    telemetry::Error("exception escaped", {{"coroutine", name}, {"error", what}});
  });
  if (common_.grpc().has_tls()) tls_.WatchMeshCertificate(common_.grpc().tls());
  lifecycle_.AddCheck("certificates", [this] { return tls_.Check(); });
  io_.Start();
  absl::Duration interval = kHeartbeat;
  if (notify_.watchdog() != absl::InfiniteDuration()) interval = std::min(interval, notify_.watchdog() / 2);
  heartbeat_ = std::make_unique<Heartbeat>(io_, interval, kStuck, [this] {
    notify_.Alive();
    // A large database may take long to open; it says so itself, for nobody knows a limit.
    if (!lifecycle_.started()) notify_.Starting();
  });
}

RuntimeImpl::~RuntimeImpl() {
  admin_.reset();
  ForgetApp();
  StopGrpc(absl::InfinitePast());
  server_.reset();
  StopListeners();
  StopThreads();
  net::SetEscapeHook(nullptr);
}

absl::Status RuntimeImpl::StartAdmin() {
  if (common_.admin().listen().empty()) return absl::OkStatus();
  AdminServer::Sources sources{
      .metrics = [this] { return metrics_.Text(); },
      .liveness = [this] { return Lines(heartbeat_->Check()); },
      .readiness = [this] { return lifecycle_.Problems(); },
  };
  ASSIGN_OR_RETURN(admin_, AdminServer::Start(common_.admin().listen(), std::move(sources)));
  PublishEndpoint("admin", admin_->address());
  return absl::OkStatus();
}

// Among replicas that come and go.
bool RuntimeImpl::found_by_name() const { return balanced_ && !common_.grpc().listen().starts_with("unix:"); }

absl::Status RuntimeImpl::CheckIdentity() const {
  const auto& tls = common_.grpc().tls();
  if (!common_.grpc().has_tls()) return absl::OkStatus();
  RETURN_IF_ERROR(rpc::CheckTlsFiles({tls.certificate(), tls.private_key(), tls.authority()}));
  ASSIGN_OR_RETURN(const std::vector<std::string> roles, rpc::RolesOfCertificate(tls.certificate()));
  if (std::find(roles.begin(), roles.end(), role_) != roles.end()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("the certificate ", tls.certificate(), " is not of this role: it needs the URI name ",
                                                    rpc::RoleUri(role_)));
}

absl::Status RuntimeImpl::StartGrpc() {
  const auto& config = common_.grpc();
  if (config.listen().empty()) return absl::OkStatus();
  control_ = MakeControlService({role_, config_, lifecycle_, schema_, sessions_, peers_, Pool("control", 1, 100)});
  services_.push_back(control_.get());
  rpc::ServerOptions options;
  options.endpoint = config.listen();
  if (config.has_tls()) {
    options.tls = rpc::TlsFiles{config.tls().certificate(), config.tls().private_key(), config.tls().authority()};
  }
  options.reflection = config.reflection();
  options.max_calls = static_cast<int>(std::min<uint32_t>(config.max_calls(), 1 << 30));
  // gRPC looks up a name only when a connection to what it led to has ended.
  if (found_by_name()) options.max_connection_age = config::ToAbsl(config.max_connection_age());
  options.metrics = &rpc_metrics_;
  absl::StatusOr<std::unique_ptr<rpc::Server>> server = rpc::Server::Start(options, services_);
  if (!server.ok()) return base::Annotate(server.status(), absl::StrCat("gRPC on ", config.listen()));
  server_ = std::move(*server);
  telemetry::Info("serving gRPC", {{"address", server_->endpoint()}});
  PublishEndpoint("grpc", server_->endpoint());
  return absl::OkStatus();
}

void RuntimeImpl::SetReady() {
  for (const std::string& name : listeners_.Unused()) {
    telemetry::Warning("inherited socket is not used", {{"listener", name}});
  }
  if (server_ != nullptr) server_->SetServing(true);
  lifecycle_.SetStarted();
  notify_.Ready();
}

void RuntimeImpl::BeginDrain() {
  notify_.Stopping();
  if (server_ != nullptr) server_->SetServing(false);
}

absl::Duration RuntimeImpl::late_calls() const {
  return server_ != nullptr && found_by_name() ? kLateCalls : absl::ZeroDuration();
}

void RuntimeImpl::StopListeners() {
  lifecycle_.SetClosed();
  listeners_.Stop();
}

void RuntimeImpl::WaitForConnections(absl::Time deadline) {
  while (listeners_.connections() > 0 && absl::Now() < deadline) absl::SleepFor(kConnectionsLook);
}

void RuntimeImpl::StopGrpc(absl::Time deadline) {
  if (server_ != nullptr) server_->Shutdown(deadline);
}

void RuntimeImpl::StopThreads() {
  heartbeat_.reset();
  io_.Stop();
  absl::MutexLock lock(&pools_mutex_);
  for (auto& [name, pool] : pools_) pool.pool->Shutdown();
}

base::WorkerPool& RuntimeImpl::Pool(std::string_view name, int threads, size_t queue_limit) {
  absl::MutexLock lock(&pools_mutex_);
  if (const auto it = pools_.find(name); it != pools_.end()) return *it->second.pool;
  if (threads <= 0) threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  NamedPool pool;
  pool.observer = pool_metrics_.ForPool(name);
  pool.pool = std::make_unique<base::WorkerPool>(base::WorkerPool::Options{
      .name = std::string(name), .threads = threads, .queue_limit = queue_limit, .observer = pool.observer.get()});
  return *pools_.emplace(std::string(name), std::move(pool)).first->second.pool;
}

void RuntimeImpl::AddGrpcService(grpc::Service* service) { services_.push_back(service); }

absl::StatusOr<bool> RuntimeImpl::StartListener(std::string_view name, const config::v1::ListenerConfig& config,
                                                net::ListenerOptions options, Handler handler) {
  return listeners_.Start(name, config, std::move(options), std::move(handler));
}

absl::StatusOr<bool> RuntimeImpl::StartProxyListener(std::string_view name, const config::v1::ProxyListenerConfig& config,
                                                     net::ListenerOptions options, Handler handler) {
  config::v1::ListenerConfig listener;
  listener.set_listen(config.listen());
  listener.set_max_sessions(config.max_sessions());
  listener.set_max_sessions_per_address(config.max_sessions_per_address());
  if (config.listen().empty() && !listeners_.Inherits(name)) return false;
  absl::StatusOr<net::ProxyOptions> proxy = proxy_listeners_.OptionsFor(name, config);
  if (!proxy.ok()) return base::Annotate(proxy.status(), absl::StrCat(base::Av(name), ".trusted_networks"));
  options.proxy = *std::move(proxy);
  return listeners_.Start(name, listener, std::move(options), std::move(handler));
}

void RuntimeImpl::PublishEndpoint(std::string_view name, std::string_view address) {
  const absl::Status status = endpoints_.Set(name, address);
  if (!status.ok()) telemetry::Error("addresses cannot be published", {{"name", name}, {"error", status}});
}

absl::Duration RuntimeImpl::drain_window() const { return config::ToAbsl(common_.drain().window()); }

void RuntimeImpl::RequestExit(absl::Status status) {
  if (status.ok()) {
    lifecycle_.RequestEnd();
    return;
  }
  // What is broken must not be touched again, not even by destructors.
  telemetry::Error("the process cannot go on", {{"error", status}});
  telemetry::FlushLogs();
  std::_Exit(1);
}

}  // namespace mailmesh::service
