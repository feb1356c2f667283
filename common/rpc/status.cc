#include "common/rpc/status.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/types/optional.h"
#include "common/base/status.h"
#include "google/rpc/error_details.pb.h"

namespace mailmesh::rpc {
namespace {

using type::v1::ErrorReason_Name;
using type::v1::ErrorReason_Parse;

constexpr char kDomain[] = "mailmesh";
constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
// Of no type that travels (status_mapping.h).
constexpr char kNeverSentUrl[] = "mailmesh/never-sent";
constexpr char kRetryInfoUrl[] = "type.googleapis.com/google.rpc.RetryInfo";

template <class Detail>
std::optional<Detail> DetailOf(const absl::Status& status, const char* url) {
  absl::optional<absl::Cord> payload = status.GetPayload(url);  // Debian's is not std::optional
  Detail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) {
    return std::nullopt;
  }
  return detail;
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, ErrorReason reason, std::string_view message) {
  return WithReason(absl::Status(code, base::Av(message)), reason);
}

absl::Status WithReason(absl::Status status, ErrorReason reason) {
  google::rpc::ErrorInfo info;
  info.set_domain(kDomain);
  info.set_reason(ErrorReason_Name(reason));
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

ErrorReason ReasonOf(const absl::Status& status) {
  std::optional<google::rpc::ErrorInfo> info = DetailOf<google::rpc::ErrorInfo>(status, kErrorInfoUrl);
  ErrorReason reason = type::v1::ERROR_REASON_UNSPECIFIED;
  if (!info.has_value() || info->domain() != kDomain || !ErrorReason_Parse(info->reason(), &reason)) {
    return type::v1::ERROR_REASON_UNSPECIFIED;
  }
  return reason;
}

bool NothingCameOf(const absl::Status& failure) {
  return failure.GetPayload(kNeverSentUrl).has_value() || HasReason(failure, type::v1::ERROR_REASON_SHUTTING_DOWN);
}

absl::Status NeverSent(absl::Status failure) {
  failure.SetPayload(kNeverSentUrl, absl::Cord());
  return failure;
}

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  google::rpc::RetryInfo info;
  absl::Duration rest;
  info.mutable_retry_delay()->set_seconds(absl::IDivDuration(delay, absl::Seconds(1), &rest));
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  status.SetPayload(kRetryInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  std::optional<google::rpc::RetryInfo> info = DetailOf<google::rpc::RetryInfo>(status, kRetryInfoUrl);
  if (!info.has_value()) {
    return std::nullopt;
  }
  return absl::Seconds(info->retry_delay().seconds()) + absl::Nanoseconds(info->retry_delay().nanos());
}

}  // namespace mailmesh::rpc
