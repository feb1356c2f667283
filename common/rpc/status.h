// Errors as all roles make and read them: an absl::Status whose payload is google.rpc.ErrorInfo{domain "mailmesh", reason}.
//
// The message of a status is for logs. It is never sent to a mail client: gateways answer by code and reason alone.
// Thread-safety: functions only.
#ifndef MAILMESH_COMMON_RPC_STATUS_H_
#define MAILMESH_COMMON_RPC_STATUS_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "mailmesh/type/v1/error_reason.pb.h"

namespace mailmesh::rpc {

using type::v1::ErrorReason;

// A status with a reason. `code` must not be OK.
absl::Status MakeError(absl::StatusCode code, ErrorReason reason, std::string_view message);

// The reason of `status`; ERROR_REASON_UNSPECIFIED when it has none, or one that this version does not know (a newer
// peer's), or of another domain.
ErrorReason ReasonOf(const absl::Status& status);
inline bool HasReason(const absl::Status& status, ErrorReason reason) { return ReasonOf(status) == reason; }

// Adds or replaces the reason of an existing error; OK stays OK.
absl::Status WithReason(absl::Status status, ErrorReason reason);

// Whether certainly nothing came of a call that failed so: its request never left this process, or the peer refused it because it is
// closing. It may then be made elsewhere, also where a repetition would be another call.
bool NothingCameOf(const absl::Status& failure);
// Marks the failure of a call that never left; for this process alone.
absl::Status NeverSent(absl::Status failure);

// Tells the caller how long to stay away (google.rpc.RetryInfo).
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_STATUS_H_
