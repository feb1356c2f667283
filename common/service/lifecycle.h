// The states of a process, from starting to its end, and whether it is ready to work. Thread-safe.
#ifndef MAILMESH_COMMON_SERVICE_LIFECYCLE_H_
#define MAILMESH_COMMON_SERVICE_LIFECYCLE_H_

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/telemetry/metrics.h"

namespace mailmesh::service {

class Lifecycle {
 public:
  using Check = std::function<absl::Status()>;

  explicit Lifecycle(telemetry::Registry& registry);

  void AddCheck(std::string_view name, Check check);
  // Before what the checks look at goes away; waits for one that runs.
  void ForgetChecks();

  void SetStarted();
  // Asks for the end by a drain; only the first call counts.
  void RequestEnd();
  // Returns once the end was asked for.
  void WaitForEnd();
  // The listeners are closed: not ready any more.
  void SetClosed();

  bool started() const;
  bool draining() const;
  bool closed() const;
  // Why the process is not ready: one line each; empty when it is.
  std::vector<std::string> Problems();
  absl::Time start() const { return start_; }

 private:
  const absl::Time start_;
  const telemetry::Gauge draining_gauge_;
  mutable absl::Mutex mutex_;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool end_requested_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Mutex checks_mutex_;
  std::vector<std::pair<std::string, Check>> checks_ ABSL_GUARDED_BY(checks_mutex_);
  // Last: uses all of it.
  const telemetry::Gauge ready_gauge_;
  telemetry::ScrapeHook hook_;
};

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_LIFECYCLE_H_
