#include "common/service/proxy_listener.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/config/duration.h"
#include "common/telemetry/log.h"
#include "mailmesh/config/v1/proxy_listener.pb.h"

namespace mailmesh::service {
namespace {

constexpr absl::Duration kLogInterval = absl::Seconds(1);
constexpr std::string_view kNoBalancer = "must name the load balancers that connect here, as CIDR ranges";
constexpr std::string_view kEverybody =
    "must not hold 0.0.0.0/0 or ::/0: whoever may send a header can claim any client's address";

class RejectionLog {
 public:
  explicit RejectionLog(std::string listener) : listener_(std::move(listener)) {}

  void Note(net::ProxyRejection reason, const net::SocketAddress& peer) {
    const size_t index = static_cast<size_t>(reason);
    uint64_t untold = 0;
    {
      absl::MutexLock lock(&mutex_);
      const absl::Time now = absl::Now();
      Told& told = told_[index];
      if (now < told.next) {
        ++told.untold;
        return;
      }
      told.next = now + kLogInterval;
      untold = std::exchange(told.untold, 0);
    }
    telemetry::Warning("connection without a usable PROXY header closed", {{"listener", listener_},
                                                                           {"reason", net::kProxyRejectionNames[index]},
                                                                           {"peer", peer.ToString()},
                                                                           {"untold", untold}});
  }

 private:
  struct Told {
    absl::Time next = absl::InfinitePast();
    uint64_t untold = 0;
  };

  const std::string listener_;
  absl::Mutex mutex_;
  std::array<Told, net::kProxyRejectionNames.size()> told_ ABSL_GUARDED_BY(mutex_);
};

absl::StatusOr<net::CidrSet> Balancers(const config::v1::ProxyListenerConfig& config) {
  const std::vector<std::string> networks(config.trusted_networks().begin(), config.trusted_networks().end());
  ASSIGN_OR_RETURN(net::CidrSet balancers, net::CidrSet::Parse(networks));
  if (balancers.empty()) return absl::FailedPreconditionError(base::Av(kNoBalancer));
  if (balancers.HasEverything()) return absl::FailedPreconditionError(base::Av(kEverybody));
  return balancers;
}

std::vector<std::string> RejectionNames() { return {net::kProxyRejectionNames.begin(), net::kProxyRejectionNames.end()}; }

}  // namespace

std::vector<config::Problem> CheckProxyListener(std::string_view name, const config::v1::ProxyListenerConfig& config) {
  std::vector<config::Problem> problems;
  if (config.listen().empty() && config.trusted_networks().empty()) return problems;
  if (config.listen().starts_with("unix:")) {
    problems.push_back({0, 0, absl::StrCat(base::Av(name), ".listen"), "must be host:port: a socket of this machine has no address to trust"});
  }
  if (const absl::StatusOr<net::CidrSet> balancers = Balancers(config); !balancers.ok()) {
    problems.push_back({0, 0, absl::StrCat(base::Av(name), ".trusted_networks"), std::string(base::Message(balancers.status()))});
  }
  return problems;
}

ProxyListeners::ProxyListeners(telemetry::Registry& registry)
    : rejected_(registry.AddCounterFamily("mailmesh_proxy_rejected_total",
                                          "Connections to listeners for load balancers that were closed for want of a PROXY header.",
                                          {{"listener", {}}, {"reason", RejectionNames()}})),
      checks_(registry.AddCounterFamily("mailmesh_proxy_checks_total",
                                        "Connections of load balancers themselves (LOCAL), such as health checks.", {{"listener", {}}})) {}

absl::StatusOr<net::ProxyOptions> ProxyListeners::OptionsFor(std::string_view name,
                                                             const config::v1::ProxyListenerConfig& config) const {
  net::ProxyOptions options;
  ASSIGN_OR_RETURN(options.balancers, Balancers(config));
  options.header_timeout = config::ToChrono(config.header_timeout());
  std::vector<telemetry::Counter> rejected;
  for (const std::string_view reason : net::kProxyRejectionNames) rejected.push_back(rejected_.With({name, reason}));
  // Shared with the hook of each of the listener's sockets.
  auto log = std::make_shared<RejectionLog>(std::string(name));
  options.on_rejected = [rejected = std::move(rejected), log = std::move(log)](net::ProxyRejection reason,
                                                                              const net::SocketAddress& peer) {
    rejected[static_cast<size_t>(reason)].Increment();
    log->Note(reason, peer);
  };
  options.on_check = [checks = checks_.With({name})] { checks.Increment(); };
  return options;
}

}  // namespace mailmesh::service
