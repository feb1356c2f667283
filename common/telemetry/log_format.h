// How a line of the log looks. Private to this folder.
#ifndef MAILMESH_COMMON_TELEMETRY_LOG_FORMAT_H_
#define MAILMESH_COMMON_TELEMETRY_LOG_FORMAT_H_

#include <span>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "common/telemetry/log.h"

namespace mailmesh::telemetry {

// Appends one line with its newline.
void AppendLogLine(LogFormat format, std::string_view service, absl::Time time, Level level, std::string_view message,
                   std::span<const Field> fields, std::string& out);

}  // namespace mailmesh::telemetry

#endif  // MAILMESH_COMMON_TELEMETRY_LOG_FORMAT_H_
