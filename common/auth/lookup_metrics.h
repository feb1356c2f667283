// mailmesh_directory_cache_*: what a role keeps of the directory's answers, and how often it had to ask.
#ifndef MAILMESH_COMMON_AUTH_LOOKUP_METRICS_H_
#define MAILMESH_COMMON_AUTH_LOOKUP_METRICS_H_

#include "common/auth/directory_client.h"
#include "common/telemetry/metrics.h"

namespace mailmesh::auth {

// Once for a registry. As long as the hook is kept, which `client` outlives.
[[nodiscard]] telemetry::ScrapeHook MeterLookups(telemetry::Registry& registry, const DirectoryClient& client);

}  // namespace mailmesh::auth

#endif  // MAILMESH_COMMON_AUTH_LOOKUP_METRICS_H_
