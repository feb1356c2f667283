// What the SMTP ingress counts. Listed in docs/operations/monitoring.md.
#ifndef MAILMESH_SERVICES_SMTP_INGRESS_METRICS_H_
#define MAILMESH_SERVICES_SMTP_INGRESS_METRICS_H_

#include "common/telemetry/metrics.h"

namespace mailmesh::smtp_ingress {

struct Metrics {
  explicit Metrics(telemetry::Registry& registry);

  telemetry::CounterFamily connections;        // listener, tls
  telemetry::GaugeFamily sessions;             // listener
  telemetry::GaugeFamily sessions_limit;       // listener
  telemetry::HistogramFamily command_seconds;  // listener, command, code_class
  telemetry::CounterFamily transactions;       // listener, result
  telemetry::CounterFamily recipients;         // to, by
  telemetry::HistogramFamily message_size;     // listener
  telemetry::Histogram commit_seconds;         // final dot -> durable
  telemetry::CounterFamily completed;          // change
  telemetry::CounterFamily auth_attempts;      // protocol, mechanism, result
};

}  // namespace mailmesh::smtp_ingress

#endif  // MAILMESH_SERVICES_SMTP_INGRESS_METRICS_H_
