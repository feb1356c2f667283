// What a ProxyListenerConfig says, as a listener takes it: whose headers are believed, and what becomes of all others.
//
// A connection that is closed is counted, always; a log line tells of it at most once a second for each listener and reason, with the
// number of those that went untold.
// Thread-safe.
#ifndef MAILMESH_COMMON_SERVICE_PROXY_LISTENER_H_
#define MAILMESH_COMMON_SERVICE_PROXY_LISTENER_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/config/loader.h"
#include "common/net/proxy_accept.h"
#include "common/telemetry/metrics.h"

namespace mailmesh::config::v1 {
class ProxyListenerConfig;
}

namespace mailmesh::service {

// What no rule of a single field says. `name` is that of the listener and of its section.
std::vector<config::Problem> CheckProxyListener(std::string_view name, const config::v1::ProxyListenerConfig& config);

class ProxyListeners {
 public:
  explicit ProxyListeners(telemetry::Registry& registry);

  // FailedPrecondition where no balancer is named, or everybody is.
  absl::StatusOr<net::ProxyOptions> OptionsFor(std::string_view name, const config::v1::ProxyListenerConfig& config) const;

 private:
  const telemetry::CounterFamily rejected_;
  const telemetry::CounterFamily checks_;
};

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_PROXY_LISTENER_H_
