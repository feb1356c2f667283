#include "common/telemetry/version.h"

namespace mailmesh::telemetry {

std::string_view Version() { return MAILMESH_VERSION; }
std::string_view Commit() { return MAILMESH_COMMIT; }

}  // namespace mailmesh::telemetry
