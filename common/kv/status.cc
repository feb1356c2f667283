#include "common/kv/status.h"

#include <rocksdb/status.h>

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace mailmesh::kv {
namespace {

constexpr char kCause[] = "mailmesh.kv/cause";
constexpr char kDiskFull[] = "disk_full";
constexpr char kOverload[] = "overload";

absl::Status Exhausted(std::string_view what, const char* cause, const char* text) {
  absl::Status status = absl::ResourceExhaustedError(absl::StrCat(std::string(what), ": ", text));
  status.SetPayload(kCause, absl::Cord(cause));
  return status;
}

bool HasCause(const absl::Status& status, const char* cause) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kCause);
  return payload.has_value() && *payload == cause;
}

}  // namespace

absl::Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsNoSpace()) return DiskFullError(what);
  const std::string text = absl::StrCat(std::string(what), ": ", status.ToString());
  switch (status.code()) {
    case rocksdb::Status::kNotFound:
      return absl::NotFoundError(text);
    case rocksdb::Status::kCorruption:
      return absl::DataLossError(text);
    case rocksdb::Status::kIOError:
    case rocksdb::Status::kBusy:
    case rocksdb::Status::kTimedOut:
    case rocksdb::Status::kTryAgain:
    case rocksdb::Status::kIncomplete:
    case rocksdb::Status::kShutdownInProgress:
    case rocksdb::Status::kAborted:
      return absl::UnavailableError(text);
    default:
      return absl::InternalError(text);
  }
}

absl::Status DiskFullError(std::string_view what) {
  return Exhausted(what, kDiskFull, "the file system has less free space than the floor");
}
bool IsDiskFull(const absl::Status& status) { return HasCause(status, kDiskFull); }

absl::Status OverloadError(std::string_view what) { return Exhausted(what, kOverload, "too much is waiting to be written"); }
bool IsOverload(const absl::Status& status) { return HasCause(status, kOverload); }

}  // namespace mailmesh::kv
