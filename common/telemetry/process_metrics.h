// The metrics that every process has: its build, its resources, its log. Their names are those that Prometheus' own
// client libraries use, so that the usual dashboards fit.
#ifndef MAILMESH_COMMON_TELEMETRY_PROCESS_METRICS_H_
#define MAILMESH_COMMON_TELEMETRY_PROCESS_METRICS_H_

#include <memory>
#include <string_view>

#include "common/telemetry/metrics.h"

namespace mailmesh::telemetry {

// mailmesh_build_info, process_*, mailmesh_log_messages_total, mailmesh_log_dropped_total. Let go of the result before
// the registry dies.
[[nodiscard]] ScrapeHook AddProcessMetrics(Registry& registry, std::string_view role);

}  // namespace mailmesh::telemetry

#endif  // MAILMESH_COMMON_TELEMETRY_PROCESS_METRICS_H_
