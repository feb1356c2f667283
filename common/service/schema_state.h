// What a process's database is, and what the end of an upgrade does to it. Thread-safe.
#ifndef MAILMESH_COMMON_SERVICE_SCHEMA_STATE_H_
#define MAILMESH_COMMON_SERVICE_SCHEMA_STATE_H_

#include <functional>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "common/service/runtime.h"
#include "common/telemetry/metrics.h"

namespace mailmesh::service {

class SchemaState {
 public:
  // The metrics come into being with the first Set: a process without a database has none.
  explicit SchemaState(telemetry::Registry& registry) : registry_(registry) {}

  void Set(const DatabaseSchema& schema);
  std::optional<DatabaseSchema> Get() const;

  void OnFinalize(std::function<absl::Status()> finalize);
  // OK where there is nothing to do.
  absl::Status Finalize();
  // Before what Finalize works on goes away; waits for one that runs.
  void Forget();

 private:
  struct Gauges {
    telemetry::Gauge version, newest, step_left;
  };

  telemetry::Registry& registry_;
  mutable absl::Mutex mutex_;
  std::optional<DatabaseSchema> schema_ ABSL_GUARDED_BY(mutex_);
  std::optional<Gauges> gauges_ ABSL_GUARDED_BY(mutex_);
  absl::Mutex finalize_mutex_;
  std::function<absl::Status()> finalize_ ABSL_GUARDED_BY(finalize_mutex_);
};

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_SCHEMA_STATE_H_
