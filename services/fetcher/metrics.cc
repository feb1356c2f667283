#include "services/fetcher/metrics.h"

namespace mailmesh::fetcher {

Metrics::Metrics(telemetry::Registry& registry)
    : jobs(registry.AddGauge("mailmesh_fetch_jobs", "Fetch jobs running now.")),
      lag_seconds(registry.AddHistogram("mailmesh_fetch_job_lag_seconds", "From a job's being due to its start.",
                                        telemetry::LongLatencyBuckets())),
      runs(registry.AddCounterFamily("mailmesh_fetch_runs_total", "Runs that ended.",
                                     {{"protocol", {"pop3"}}, {"result", {"ok", "error", "lease_lost"}}})),
      messages(registry.AddCounterFamily("mailmesh_fetch_messages_total", "Messages at remote servers, by what became of them.",
                                         {{"result", {"appended", "seen_before", "too_large", "refused", "deleted"}}})),
      run_seconds(registry.AddHistogram("mailmesh_fetch_duration_seconds", "How long runs took.",
                                        telemetry::LongLatencyBuckets())) {}

}  // namespace mailmesh::fetcher
