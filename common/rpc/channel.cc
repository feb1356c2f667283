#include "common/rpc/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/client_interceptor.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/net/endpoint.h"
#include "common/net/unix_path.h"
#include "common/rpc/call_meter.h"
#include "common/rpc/grpc_process.h"
#include "common/rpc/method_metrics.h"

namespace mailmesh::rpc {
namespace {

constexpr std::string_view kDnsScheme = "dns://";
constexpr std::string_view kUnixScheme = "unix:";
constexpr char kBalancedServiceConfig[] =
    R"({"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}})";

using Factories = std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>;

const char* TypeName(grpc::experimental::ClientRpcInfo::Type type) {
  switch (type) {
    case grpc::experimental::ClientRpcInfo::Type::UNARY:
      return "unary";
    case grpc::experimental::ClientRpcInfo::Type::CLIENT_STREAMING:
      return "client_stream";
    case grpc::experimental::ClientRpcInfo::Type::SERVER_STREAMING:
      return "server_stream";
    case grpc::experimental::ClientRpcInfo::Type::BIDI_STREAMING:
      return "bidi_stream";
    case grpc::experimental::ClientRpcInfo::Type::UNKNOWN:
      break;
  }
  return "unary";
}

// Tells the call's meter its method; makes no interceptor (call_meter.h).
class NotingFactory final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  explicit NotingFactory(rpc_internal::MethodTable* methods) : methods_(methods) {}
  grpc::experimental::Interceptor* CreateClientInterceptor(grpc::experimental::ClientRpcInfo* info) override {
    rpc_internal::ClientMeterScope::Note(info->client_context(),
                                         methods_->Find(info->method(), TypeName(info->type())));
    return nullptr;
  }

 private:
  rpc_internal::MethodTable* methods_;
};

grpc::ChannelArguments CommonArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  // gRPC's own pauses (1 s to 2 minutes) are for the Internet; a role that restarts is back within a second.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  // Not a pause: how long one attempt to connect may take.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  return arguments;
}

Factories MakeFactories(const ChannelOptions& options) {
  Factories factories;
  if (options.metrics != nullptr) {
    factories.push_back(std::make_unique<NotingFactory>(options.metrics->Client(options.role)));
  }
  return factories;
}

std::shared_ptr<grpc::Channel> Create(const ChannelOptions& options, const std::string& target,
                                      const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                                      const grpc::ChannelArguments& arguments) {
  return grpc::experimental::CreateCustomChannelWithInterceptors(target, credentials, arguments,
                                                                 MakeFactories(options));
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeUnixChannel(const ChannelOptions& options, const std::string& path) {
  // The short path leads through a descriptor of ours, needed at each connecting: it lives with the channel.
  struct Holder {
    net::UnixPath path;
    std::shared_ptr<grpc::Channel> channel;
  };
  ASSIGN_OR_RETURN(net::UnixPath short_path, net::UnixPath::Open(path));
  auto holder = std::make_shared<Holder>(Holder{std::move(short_path), nullptr});
  grpc::ChannelArguments arguments = CommonArguments();
  holder->channel = Create(options, absl::StrCat(std::string(kUnixScheme), holder->path.path()),
                           grpc::experimental::LocalCredentials(UDS), arguments);
  return std::shared_ptr<grpc::Channel>(holder, holder->channel.get());
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeTlsChannel(const ChannelOptions& options, bool balanced) {
  if (!options.tls.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat("gRPC to ", options.endpoint, " needs certificates (mutual TLS): configure them"));
  }
  ASSIGN_OR_RETURN(std::shared_ptr<grpc::ChannelCredentials> credentials,
                   MakeChannelCredentials(*options.tls, options.role));
  grpc::ChannelArguments arguments = CommonArguments();
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  if (balanced) {
    arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 5'000);
    arguments.SetServiceConfigJSON(kBalancedServiceConfig);
  }
  return Create(options, options.endpoint, credentials, arguments);
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options) {
  rpc_internal::PrepareGrpc();
  std::string_view text = options.endpoint;
  const bool balanced = text.starts_with(kDnsScheme);
  if (balanced) {
    // "dns:///host:port", or "dns://RESOLVER/host:port": gRPC asks that DNS server.
    const size_t slash = text.find('/', kDnsScheme.size());
    text.remove_prefix(slash == std::string_view::npos ? text.size() : slash + 1);
  }
  ASSIGN_OR_RETURN(net::Endpoint endpoint, net::Endpoint::Parse(text));
  if (endpoint.is_unix()) {
    return MakeUnixChannel(options, endpoint.path());
  }
  return MakeTlsChannel(options, balanced);
}

}  // namespace mailmesh::rpc
