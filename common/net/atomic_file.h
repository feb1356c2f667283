// Files that are there whole or not at all, also after a power cut.
#ifndef MAILMESH_COMMON_NET_ATOMIC_FILE_H_
#define MAILMESH_COMMON_NET_ATOMIC_FILE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <sys/types.h>

#include <string>
#include <string_view>

namespace mailmesh::net {

// Writes a temporary file beside `path` (created with `mode`, so that a key is never readable in between), syncs it and renames it.
absl::Status WriteFileAtomically(const std::string& path, std::string_view content, mode_t mode);
// NotFound when it is not there; ResourceExhausted beyond `max_size`.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t max_size = 1 << 20);

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_ATOMIC_FILE_H_
