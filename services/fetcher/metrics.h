// What the fetcher counts. Listed in docs/operations/monitoring.md.
#ifndef MAILMESH_SERVICES_FETCHER_METRICS_H_
#define MAILMESH_SERVICES_FETCHER_METRICS_H_

#include "common/telemetry/metrics.h"

namespace mailmesh::fetcher {

struct Metrics {
  explicit Metrics(telemetry::Registry& registry);

  telemetry::Gauge jobs;                // running now
  telemetry::Histogram lag_seconds;     // from a job's being due to its start
  telemetry::CounterFamily runs;        // protocol, result
  telemetry::CounterFamily messages;    // result
  telemetry::Histogram run_seconds;
};

}  // namespace mailmesh::fetcher

#endif  // MAILMESH_SERVICES_FETCHER_METRICS_H_
