// The handles of one method, resolved once. For metrics.cc and call_meter.cc.
#ifndef MAILMESH_COMMON_RPC_METHOD_METRICS_H_
#define MAILMESH_COMMON_RPC_METHOD_METRICS_H_

#include <grpcpp/support/status_code_enum.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/synchronization/mutex.h"
#include "common/telemetry/metrics.h"

namespace mailmesh::rpc::rpc_internal {

class MethodMetrics {
 public:
  // Makes the counter of a code: seventeen for each method from the start would be most of a scrape.
  using MakeHandled = std::function<telemetry::Counter(grpc::StatusCode)>;

  MethodMetrics(telemetry::Counter started, telemetry::Counter received, telemetry::Counter sent,
                telemetry::Histogram seconds, MakeHandled make_handled)
      : started(started), received(received), sent(sent), seconds(seconds), make_handled_(std::move(make_handled)) {
    Handled(grpc::StatusCode::OK);
  }

  telemetry::Counter Handled(grpc::StatusCode code) const {
    size_t index = static_cast<size_t>(code);
    if (index >= kCodes) {
      index = static_cast<size_t>(grpc::StatusCode::UNKNOWN);
    }
    const telemetry::Counter* counter = handled_[index].load(std::memory_order_acquire);
    return counter != nullptr ? *counter : AddHandled(index);
  }

  const telemetry::Counter started;
  const telemetry::Counter received;
  const telemetry::Counter sent;
  const telemetry::Histogram seconds;

 private:
  static constexpr size_t kCodes = 17;

  telemetry::Counter AddHandled(size_t index) const {
    absl::MutexLock lock(&mutex_);
    if (!counters_[index].has_value()) {
      counters_[index] = make_handled_(static_cast<grpc::StatusCode>(index));
      handled_[index].store(&*counters_[index], std::memory_order_release);
    }
    return *counters_[index];
  }

  const MakeHandled make_handled_;
  mutable absl::Mutex mutex_;
  mutable std::array<std::optional<telemetry::Counter>, kCodes> counters_;
  mutable std::array<std::atomic<const telemetry::Counter*>, kCodes> handled_{};
};

}  // namespace mailmesh::rpc::rpc_internal

#endif  // MAILMESH_COMMON_RPC_METHOD_METRICS_H_
