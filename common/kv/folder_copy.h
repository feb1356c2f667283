// Copies a folder of a database's files (a checkpoint, a backup): whole, synced, at a bounded rate.
//
// Thread-safety: free functions. They block: never on an I/O thread.
#ifndef MAILMESH_COMMON_KV_FOLDER_COPY_H_
#define MAILMESH_COMMON_KV_FOLDER_COPY_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace mailmesh::kv {

struct FolderCopyOptions {
  // 0: as fast as it goes.
  uint64_t octets_per_second = 0;
  // Called after each piece (1 MiB at most) with what was copied so far; false ends the copy with Cancelled. May be null.
  std::function<bool(uint64_t done)> on_progress{};
};

// Octets of the files in the folder and below it.
absl::StatusOr<uint64_t> FolderSize(const std::string& folder);

// Copies files and folders below `from` into `to`, which is made (0700) and must not exist. When it returns OK, all of it is
// on disk. What was copied before an error stays: the caller removes it.
absl::Status CopyFolder(const std::string& from, const std::string& to, const FolderCopyOptions& options);

// Moves a file or folder within one file system, and syncs both parents. FailedPrecondition when they are on different ones.
absl::Status MoveSynced(const std::string& from, const std::string& to);

// Removes a file, or a folder and all below it; what is not there is fine.
absl::Status RemoveAll(const std::string& path);

// Octets that this user may still write to the file system of the folder.
absl::StatusOr<uint64_t> FreeSpace(const std::string& folder);

}  // namespace mailmesh::kv

#endif  // MAILMESH_COMMON_KV_FOLDER_COPY_H_
