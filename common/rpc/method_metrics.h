// The handles of one method, resolved once. For metrics.cc and call_meter.cc.
#ifndef MAILMESH_COMMON_RPC_METHOD_METRICS_H_
#define MAILMESH_COMMON_RPC_METHOD_METRICS_H_

#include <grpcpp/support/status_code_enum.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
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

// The methods of one server or one target. Thread-safe; a look-up by text costs some 50 ns, and is right whoever owns the
// text.
class MethodTable {
 public:
  using Make = std::function<std::unique_ptr<MethodMetrics>(std::string_view path, std::string_view type)>;
  explicit MethodTable(Make make) : make_(std::move(make)) {}

  // `path` is "/package.Service/Method", `type` "unary", "client_stream", ... Valid as long as the table.
  const MethodMetrics* Find(std::string_view path, std::string_view type) {
    absl::string_view key(path.data(), path.size());
    {
      absl::ReaderMutexLock lock(&mutex_);
      auto found = methods_.find(key);
      if (found != methods_.end()) {
        return found->second.get();
      }
    }
    absl::MutexLock lock(&mutex_);
    std::unique_ptr<MethodMetrics>& method = methods_[key];
    if (method == nullptr) {
      method = make_(path, type);
    }
    return method.get();
  }

 private:
  const Make make_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::unique_ptr<MethodMetrics>> methods_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailmesh::rpc::rpc_internal

#endif  // MAILMESH_COMMON_RPC_METHOD_METRICS_H_
