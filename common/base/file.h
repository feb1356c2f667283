// Small files read and written whole. These block: never call them on an I/O thread.
#ifndef MAILMESH_COMMON_BASE_FILE_H_
#define MAILMESH_COMMON_BASE_FILE_H_

#include <sys/types.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace mailmesh::base {

// The content of a file of at most `limit` octets; NotFound, PermissionDenied, or OutOfRange when it is larger.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t limit = 16 << 20);

// Replaces the file so that readers, and a machine that loses power, find the old content or the new one, never a
// part: written beside it, synced, renamed, the folder synced.
absl::Status WriteFileAtomically(const std::string& path, std::string_view content, mode_t mode = 0600);

// Appends to a file, which is created with `mode` when missing; one write(2), so that lines of several processes do not
// mix. Not synced.
absl::Status AppendToFile(const std::string& path, std::string_view content, mode_t mode = 0600);

// Makes the folder and the missing ones above it. An existing folder is fine and keeps its mode.
absl::Status MakeDirectories(const std::string& path, mode_t mode = 0700);

// Makes what was created, renamed or removed in the folder last.
absl::Status SyncFolder(const std::string& folder);

bool FileExists(const std::string& path);

}  // namespace mailmesh::base

#endif  // MAILMESH_COMMON_BASE_FILE_H_
