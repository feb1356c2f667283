#include "common/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/impl/server_builder_plugin.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/net/endpoint.h"
#include "common/net/unix_path.h"
#include "common/rpc/call_guard.h"
#include "common/rpc/grpc_process.h"

namespace mailmesh::rpc {
namespace {

constexpr int kMaxMessageBytes = 4 << 20;

// The socket's folder is what keeps others out: bind() gives the socket itself the mode that the umask leaves.
absl::Status CheckSocketFolder(const std::string& path) {
  size_t slash = path.rfind('/');
  std::string folder = slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
  struct stat info;
  if (stat(folder.c_str(), &info) != 0) {
    return base::ErrnoStatus(errno, folder);
  }
  if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the folder of a gRPC socket must be this user's own and closed to others (chmod 0700): ", folder));
  }
  return absl::OkStatus();
}

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(std::min<int64_t>(absl::ToInt64Milliseconds(duration), std::numeric_limits<int>::max()));
}

// A process that is linked with gRPC's reflection has it on in every server: taken out where it is not configured.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins, [](const auto& plugin) { return plugin->name() == "proto_server_reflection"; });
  }
};

class GrpcServer final : public Server {
 public:
  explicit GrpcServer(const ServerOptions& options) : registry_(options.max_calls, options.metrics == nullptr ? nullptr : options.metrics->Server()) {}

  ~GrpcServer() override { Shutdown(absl::Now()); }

  absl::Status Start(const ServerOptions& options, const std::vector<grpc::Service*>& services) {
    ASSIGN_OR_RETURN(net::Endpoint endpoint, net::Endpoint::Parse(options.endpoint));
    grpc::ServerBuilder builder;
    Configure(options, builder);
    int port = 0;
    RETURN_IF_ERROR(endpoint.is_unix() ? AddUnix(endpoint, builder) : AddTcp(options, builder, &port));
    for (grpc::Service* service : services) {
      builder.RegisterService(service);
    }
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || (!endpoint.is_unix() && port == 0)) {
      return absl::UnavailableError(absl::StrCat("cannot listen on ", options.endpoint, ": is it in use?"));
    }
    endpoint_ = endpoint.is_unix() ? options.endpoint
                                   : net::Endpoint::Tcp(endpoint.host(), static_cast<uint16_t>(port)).ToString();
    SetServing(false);
    return absl::OkStatus();
  }

  const std::string& endpoint() const override { return endpoint_; }
  int calls_in_flight() const override { return registry_.in_flight(); }
  void Drain() override { registry_.Drain(); }

  void SetServing(bool serving) override {
    grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
    if (health != nullptr) {
      health->SetServingStatus(serving);
    }
  }

  void Shutdown(absl::Time deadline) override {
    std::call_once(shut_down_, [this, deadline] {
      if (server_ != nullptr) {
        registry_.Drain();
        server_->Shutdown(absl::ToChronoTime(deadline));
      }
    });
  }

 private:
  void Configure(const ServerOptions& options, grpc::ServerBuilder& builder) {
    grpc::EnableDefaultHealthCheckService(true);
    if (options.reflection) {
      grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    } else {
      builder.SetOption(std::make_unique<WithoutReflection>());
    }
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> factories;
    factories.push_back(registry_.MakeFactory());
    builder.experimental().SetInterceptorCreators(std::move(factories));
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    // A stalled stream then holds 256 KiB and not 9 MiB.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    // Two servers on one port would each get half of the connections.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    // Clients ping every 60 s (channel.cc); gRPC's own limit of 5 minutes would close their connections.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 30'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    if (options.max_connection_age < absl::InfiniteDuration()) {
      builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, Milliseconds(options.max_connection_age));
      builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, Milliseconds(options.connection_grace));
    }
  }

  absl::Status AddUnix(const net::Endpoint& endpoint, grpc::ServerBuilder& builder) {
    RETURN_IF_ERROR(CheckSocketFolder(endpoint.path()));
    ASSIGN_OR_RETURN(net::UnixPath path, net::UnixPath::Open(endpoint.path()));
    unix_path_ = std::move(path);
    builder.AddListeningPort(absl::StrCat("unix:", unix_path_->path()),
                             grpc::experimental::LocalServerCredentials(UDS));
    return absl::OkStatus();
  }

  absl::Status AddTcp(const ServerOptions& options, grpc::ServerBuilder& builder, int* port) {
    if (!options.tls.has_value()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "gRPC on ", options.endpoint, " needs certificates (mutual TLS): configure them, or use a Unix socket"));
    }
    ASSIGN_OR_RETURN(std::shared_ptr<grpc::ServerCredentials> credentials, MakeServerCredentials(*options.tls));
    // A peer that vanished without a word keeps no watch stream for longer than 80 s.
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
    builder.AddListeningPort(options.endpoint, std::move(credentials), port);
    return absl::OkStatus();
  }

  // Before the server, whose calls use it.
  rpc_internal::CallRegistry registry_;
  std::optional<net::UnixPath> unix_path_;
  std::unique_ptr<grpc::Server> server_;
  std::string endpoint_;
  std::once_flag shut_down_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      const std::vector<grpc::Service*>& services) {
  rpc_internal::PrepareGrpc();
  auto server = std::make_unique<GrpcServer>(options);
  RETURN_IF_ERROR(server->Start(options, services));
  return server;
}

}  // namespace mailmesh::rpc
