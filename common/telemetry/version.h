// What this build is.
#ifndef MAILMESH_COMMON_TELEMETRY_VERSION_H_
#define MAILMESH_COMMON_TELEMETRY_VERSION_H_

#include <string_view>

namespace mailmesh::telemetry {

// The version of the project, "0.2.0".
std::string_view Version();
// The abbreviated commit that it was built from, or "unknown" outside a checkout.
std::string_view Commit();

}  // namespace mailmesh::telemetry

#endif  // MAILMESH_COMMON_TELEMETRY_VERSION_H_
