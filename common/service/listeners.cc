#include "common/service/listeners.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "mailmesh/config/v1/common.pb.h"

namespace mailmesh::service {

Listeners::Listeners(net::IoPool& io, telemetry::Registry& registry, net::InheritedSockets inherited, Publish publish)
    : io_(io),
      publish_(std::move(publish)),
      sessions_(
          registry.AddGaugeFamily("mailmesh_listener_sessions", "Connections that are open.", {{"listener", {}}})),
      limit_(registry.AddGaugeFamily("mailmesh_listener_sessions_limit", "Connections that may be open.",
                                     {{"listener", {}}})),
      accepted_(
          registry.AddCounterFamily("mailmesh_listener_accepted_total", "Connections taken.", {{"listener", {}}})),
      refused_(registry.AddCounterFamily("mailmesh_listener_refused_total", "Connections refused for a limit.",
                                         {{"listener", {}}})),
      inherited_(std::move(inherited)),
      hook_(registry.OnScrape([this] { Update(); })) {}

absl::StatusOr<std::vector<net::ListenSocket>> Listeners::Sockets(std::string_view name,
                                                                  const config::v1::ListenerConfig& config) {
  {
    absl::MutexLock lock(&mutex_);
    std::vector<net::ListenSocket> sockets = inherited_.Take(name);
    if (!sockets.empty()) return sockets;
  }
  std::vector<net::ListenSocket> sockets;
  if (config.listen().empty()) return sockets;
  ASSIGN_OR_RETURN(const net::Endpoint endpoint, net::Endpoint::Parse(config.listen()));
  ASSIGN_OR_RETURN(net::ListenSocket socket, net::ListenSocket::Bind(endpoint));
  sockets.push_back(std::move(socket));
  return sockets;
}

absl::StatusOr<bool> Listeners::Start(std::string_view name, const config::v1::ListenerConfig& config,
                                      net::ListenerOptions options, net::Listener::Handler handler) {
  absl::StatusOr<std::vector<net::ListenSocket>> sockets = Sockets(name, config);
  if (!sockets.ok()) return base::Annotate(sockets.status(), absl::StrCat("listener ", base::Av(name)));
  if (sockets->empty()) return false;
  options.name = std::string(name);
  options.max_sessions = config.max_sessions();
  options.max_sessions_per_peer = config.max_sessions_per_address();
  if (options.exempt_peers.empty()) options.exempt_peers = net::CidrSet::Loopback();
  if (!options.on_error) {
    options.on_error = [name = options.name](const absl::Status& status) {
      telemetry::Warning("listener cannot accept", {{"listener", name}, {"error", status}});
    };
  }
  limit_.With({name}).Set(config.max_sessions());
  bool first = true;
  for (net::ListenSocket& socket : *sockets) {
    const std::string address = socket.endpoint().ToString();
    telemetry::Info("listening", {{"listener", name}, {"address", address}, {"inherited", socket.inherited()}});
    if (std::exchange(first, false)) publish_(name, address);
    absl::MutexLock lock(&mutex_);
    open_.push_back({net::Listener::Start(std::move(socket), options, io_, handler), sessions_.With({name}),
                     accepted_.With({name}), refused_.With({name})});
  }
  return true;
}

void Listeners::Stop() {
  absl::MutexLock lock(&mutex_);
  for (Open& open : open_) open.listener->Stop();
}

size_t Listeners::connections() {
  absl::MutexLock lock(&mutex_);
  size_t sum = 0;
  for (const Open& open : open_) sum += open.listener->connections();
  return sum;
}

bool Listeners::Inherits(std::string_view name) {
  const std::vector<std::string> names = Unused();
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> Listeners::Unused() {
  absl::MutexLock lock(&mutex_);
  return inherited_.names();
}

void Listeners::Update() {
  // Two listeners may have one name (IPv4 and IPv6): the sum counts.
  struct Sum {
    const Open* open;
    double sessions = 0, accepted = 0, refused = 0;
  };
  std::map<std::string, Sum> sums;
  absl::MutexLock lock(&mutex_);
  for (const Open& open : open_) {
    Sum& sum = sums.try_emplace(open.listener->name(), Sum{&open}).first->second;
    sum.sessions += static_cast<double>(open.listener->sessions());
    sum.accepted += static_cast<double>(open.listener->accepted());
    sum.refused += static_cast<double>(open.listener->refused());
  }
  for (const auto& [name, sum] : sums) {
    sum.open->sessions.Set(sum.sessions);
    sum.open->accepted.RaiseTo(sum.accepted);
    sum.open->refused.RaiseTo(sum.refused);
  }
}

}  // namespace mailmesh::service
