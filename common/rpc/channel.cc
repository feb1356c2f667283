#include "common/rpc/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/client_interceptor.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
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

using Endpoints = std::vector<net::Endpoint>;
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

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeUnixChannel(const ChannelOptions& options, const Endpoints& endpoints) {
  // The short paths lead through descriptors of ours, needed at each connecting: they live with the channel.
  struct Holder {
    std::vector<net::UnixPath> paths;
    std::shared_ptr<grpc::Channel> channel;
  };
  auto holder = std::make_shared<Holder>();
  std::vector<std::string> short_paths;
  for (const net::Endpoint& endpoint : endpoints) {
    ASSIGN_OR_RETURN(net::UnixPath short_path, net::UnixPath::Open(endpoint.path()));
    short_paths.push_back(short_path.path());
    holder->paths.push_back(std::move(short_path));
  }
  grpc::ChannelArguments arguments = CommonArguments();
  if (endpoints.size() > 1) arguments.SetServiceConfigJSON(kBalancedServiceConfig);
  holder->channel = Create(options, absl::StrCat(std::string(kUnixScheme), absl::StrJoin(short_paths, ",")),
                           grpc::experimental::LocalCredentials(UDS), arguments);
  return std::shared_ptr<grpc::Channel>(holder, holder->channel.get());
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeTlsChannel(const ChannelOptions& options, const std::string& target,
                                                              bool balanced) {
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
  return Create(options, target, credentials, arguments);
}

// gRPC's way to write several addresses of one family.
absl::StatusOr<std::string> ListTarget(const Endpoints& endpoints) {
  std::vector<std::string> addresses;
  bool v6 = false;
  for (const net::Endpoint& endpoint : endpoints) {
    const std::optional<net::IpAddress> ip = endpoint.ip();
    if (!ip.has_value() || (!addresses.empty() && ip->is_v6() != v6)) {
      return absl::InvalidArgumentError(absl::StrCat(endpoint.ToString(), ": in a list, all are Unix sockets, or IP addresses of one "
                                                     "family; a name that leads to several is written dns:///name:port"));
    }
    v6 = ip->is_v6();
    addresses.push_back(endpoint.ToString());
  }
  return absl::StrCat(v6 ? "ipv6:" : "ipv4:", absl::StrJoin(addresses, ","));
}

// What an endpoint's text means.
struct Target {
  std::string address{};  // as gRPC writes it; empty: `sockets`
  Endpoints sockets{};
  bool balanced = false;
};

absl::StatusOr<Target> ParseList(std::string_view text) {
  Target target;
  bool all_unix = true;
  for (const absl::string_view one : absl::StrSplit(base::Av(text), ',')) {
    ASSIGN_OR_RETURN(net::Endpoint endpoint, net::Endpoint::Parse({one.data(), one.size()}));
    all_unix = all_unix && endpoint.is_unix();
    target.sockets.push_back(std::move(endpoint));
  }
  target.balanced = target.sockets.size() > 1;
  if (all_unix) return target;
  target.address = std::string(text);
  if (target.balanced) {
    ASSIGN_OR_RETURN(target.address, ListTarget(target.sockets));
  }
  return target;
}

absl::StatusOr<Target> ParseTarget(std::string_view text) {
  if (!text.starts_with(kDnsScheme)) return ParseList(text);
  // "dns:///host:port", or "dns://RESOLVER/host:port": gRPC asks that DNS server.
  const size_t slash = text.find('/', kDnsScheme.size());
  RETURN_IF_ERROR(net::Endpoint::Parse(text.substr(slash == std::string_view::npos ? text.size() : slash + 1)).status());
  return Target{.address = std::string(text), .balanced = true};
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options) {
  rpc_internal::PrepareGrpc();
  ASSIGN_OR_RETURN(const Target target, ParseTarget(options.endpoint));
  if (target.address.empty()) return MakeUnixChannel(options, target.sockets);
  return MakeTlsChannel(options, target.address, target.balanced);
}

absl::StatusOr<bool> NeedsTls(std::string_view endpoint) {
  ASSIGN_OR_RETURN(const Target target, ParseTarget(endpoint));
  return !target.address.empty();
}

bool IsOneProcess(std::string_view endpoint) {
  return endpoint.starts_with(kUnixScheme) && endpoint.find(',') == std::string_view::npos;
}

}  // namespace mailmesh::rpc
