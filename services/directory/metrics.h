// What the directory counts.
#ifndef MAILMESH_SERVICES_DIRECTORY_METRICS_H_
#define MAILMESH_SERVICES_DIRECTORY_METRICS_H_

#include "common/telemetry/metrics.h"
#include "mailmesh/type/v1/session.pb.h"

namespace mailmesh::directory {

struct Metrics {
  explicit Metrics(telemetry::Registry& registry);

  // kind: recipient sender account route shards; result: found not_found error.
  telemetry::CounterFamily lookups;
  // kind.
  telemetry::HistogramFamily lookup_seconds;
  // scheme.
  telemetry::HistogramFamily password_verify_seconds;
  // kind: domain route account alias shard.
  telemetry::GaugeFamily entries;
  telemetry::Gauge verified_logins;
  // protocol, mechanism, result: success bad_credentials malformed error.
  telemetry::CounterFamily auth_attempts;
  telemetry::Histogram auth_delay_seconds;
};

// The label of mailmesh_auth_attempts_total.
const char* ProtocolName(type::v1::Protocol protocol);

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_METRICS_H_
