// RocksDB's errors as ours, and the two refusals that a database owner makes by itself.
//
// The owner's RPC layer turns IsDiskFull into RESOURCE_EXHAUSTED/DISK_FULL and IsOverload into RESOURCE_EXHAUSTED/OVERLOAD:
// this folder knows no protos. Thread-safety: functions only.
#ifndef MAILMESH_COMMON_KV_STATUS_H_
#define MAILMESH_COMMON_KV_STATUS_H_

#include <string_view>

#include "absl/status/status.h"

namespace rocksdb {
class Status;
}

namespace mailmesh::kv {

// OK stays OK; NotFound is NOT_FOUND; corruption is DATA_LOSS; a full disk is DiskFullError; other I/O errors are
// UNAVAILABLE (the peer may come again); what only a mistake of ours can cause is INTERNAL. `what` says what was tried.
absl::Status FromRocks(const rocksdb::Status& status, std::string_view what);

// RESOURCE_EXHAUSTED: the file system has less free space than the floor. Temporary.
absl::Status DiskFullError(std::string_view what);
bool IsDiskFull(const absl::Status& status);

// RESOURCE_EXHAUSTED: the commit queue is full. Temporary.
absl::Status OverloadError(std::string_view what);
bool IsOverload(const absl::Status& status);

}  // namespace mailmesh::kv

#endif  // MAILMESH_COMMON_KV_STATUS_H_
