// What the POP3 gateway counts. Listed in docs/operations/monitoring.md.
#ifndef MAILMESH_SERVICES_POP3_GATEWAY_METRICS_H_
#define MAILMESH_SERVICES_POP3_GATEWAY_METRICS_H_

#include "common/telemetry/metrics.h"

namespace mailmesh::pop3_gateway {

struct Metrics {
  explicit Metrics(telemetry::Registry& registry);

  telemetry::GaugeFamily sessions;             // state: unauth, auth
  telemetry::HistogramFamily command_seconds;  // command, status
  telemetry::CounterFamily bytes;              // direction: in, out
  telemetry::CounterFamily auth_attempts;      // protocol, mechanism, result
  telemetry::Counter messages_retrieved;
  telemetry::Counter messages_deleted;
  telemetry::Counter surrogates;
};

}  // namespace mailmesh::pop3_gateway

#endif  // MAILMESH_SERVICES_POP3_GATEWAY_METRICS_H_
