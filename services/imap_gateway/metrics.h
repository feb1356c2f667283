// What the IMAP gateway counts. Listed in docs/operations/monitoring.md.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_METRICS_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_METRICS_H_

#include "common/telemetry/metrics.h"

namespace mailmesh::imap_gateway {

struct Metrics {
  explicit Metrics(telemetry::Registry& registry);

  telemetry::GaugeFamily sessions;             // state: unauth, auth, selected, idle
  telemetry::HistogramFamily command_seconds;  // command, status: OK, NO, BAD
  telemetry::CounterFamily bytes;              // direction: in, out
  telemetry::CounterFamily auth_attempts;      // protocol, mechanism, result
  telemetry::Histogram idle_delay;
  telemetry::Gauge views;
};

// Indexes into the values of `sessions`.
enum class SessionState : size_t { kUnauthenticated, kAuthenticated, kSelected, kIdle };

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_METRICS_H_
