// What the relay counts. Listed in docs/operations/monitoring.md.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_METRICS_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_METRICS_H_

#include "common/telemetry/metrics.h"

namespace mailmesh::outbound_relay {

struct Metrics {
  explicit Metrics(telemetry::Registry& registry);

  telemetry::GaugeFamily queue_messages;    // state: waiting, inflight
  telemetry::GaugeFamily destinations;      // state: open, backing_off
  telemetry::GaugeFamily turns;             // destination: up, new, waiting, failing
  telemetry::Gauge oldest_age_seconds;      // of what is due
  telemetry::CounterFamily attempts;        // result, attempt
  telemetry::Counter next_servers;
  telemetry::HistogramFamily stage_seconds;  // stage
  telemetry::HistogramFamily message_age;   // outcome, to
  telemetry::Gauge connections;
  telemetry::CounterFamily tls;             // level
  telemetry::CounterFamily auth;            // result, attempt
  telemetry::CounterFamily dsn;             // kind
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_METRICS_H_
