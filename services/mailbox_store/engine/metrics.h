// The store's metrics. Declared once; see docs/operations/monitoring.md.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_METRICS_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_METRICS_H_

#include <chrono>
#include <cstddef>

#include "absl/status/status.h"
#include "common/telemetry/metrics.h"

namespace mailmesh::mailbox_store {

// Values of the label `op`, in the order of kOperationNames.
enum class Operation : size_t {
  kUpload,
  kDeliver,
  kAppend,
  kList,
  kStatus,
  kCreate,
  kDelete,
  kRename,
  kSubscribe,
  kOpen,
  kClaimRecent,
  kView,
  kWatch,
  kSummaries,
  kFetch,
  kSearch,
  kSort,
  kThread,
  kStore,
  kCopy,
  kMove,
  kExpunge,
  kMaildrop,
  kDeleteAccount,
  kFetchJob,
  kQuota,
  kBackup,
  kVerify,
  kCount,
};

class StoreMetrics {
 public:
  explicit StoreMetrics(telemetry::Registry& registry);

  void Finished(Operation operation, const absl::Status& status, std::chrono::steady_clock::duration took) const;

  telemetry::CounterFamily operations;
  telemetry::HistogramFamily seconds;
  telemetry::Counter append_bytes;
  telemetry::Counter quota_rejections;
  telemetry::Gauge subscribers;
  telemetry::Counter notifications_dropped;
  telemetry::Counter collected_messages;
  telemetry::Counter collected_blobs;
  telemetry::Gauge fetch_jobs;
  telemetry::Gauge uploads;
  telemetry::Gauge maildrop_leases;
  telemetry::Gauge backup_timestamp;
  telemetry::Gauge verify_findings;
};

// Counts one operation: from its construction to Finish.
class OperationTimer {
 public:
  OperationTimer(const StoreMetrics* metrics, Operation operation)
      : metrics_(metrics), operation_(operation), start_(std::chrono::steady_clock::now()) {}
  void Finish(const absl::Status& status) const {
    if (metrics_ != nullptr) metrics_->Finished(operation_, status, std::chrono::steady_clock::now() - start_);
  }

 private:
  const StoreMetrics* metrics_;
  Operation operation_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_METRICS_H_
