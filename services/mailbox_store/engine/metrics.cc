#include "services/mailbox_store/engine/metrics.h"

#include <string>
#include <vector>

namespace mailmesh::mailbox_store {
namespace {

std::vector<std::string> OperationNames() {
  return {"upload",       "deliver", "append", "list",      "status",   "create",         "delete", "rename", "subscribe",
          "open",         "claim_recent", "view", "watch",  "summaries", "fetch",         "search", "sort",   "thread",
          "store",        "copy",    "move",   "expunge",   "maildrop", "delete_account", "fetch_job",
          "quota",        "backup",  "verify"};
}

// Values of the label `result`.
enum Result : size_t { kOk, kNotFound, kRefused, kExhausted, kUnavailable, kError };

Result ResultOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kOk;
    case absl::StatusCode::kNotFound:
      return kNotFound;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kRefused;
    case absl::StatusCode::kResourceExhausted:
      return kExhausted;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kAborted:
      return kUnavailable;
    default:
      return kError;
  }
}

}  // namespace

StoreMetrics::StoreMetrics(telemetry::Registry& registry)
    : operations(registry.AddCounterFamily(
          "mailmesh_mailbox_operations_total", "Operations on mailboxes by how they ended.",
          {{"op", OperationNames()}, {"result", {"ok", "not_found", "refused", "exhausted", "unavailable", "error"}}})),
      seconds(registry.AddHistogramFamily("mailmesh_mailbox_operation_seconds", "Time of an operation on a mailbox.",
                                          {{"op", OperationNames()}}, telemetry::LatencyBuckets())),
      append_bytes(registry.AddCounter("mailmesh_mailbox_append_bytes_total", "Octets of messages that were stored.")),
      quota_rejections(registry.AddCounter("mailmesh_mailbox_quota_rejections_total", "Messages refused for quota.")),
      subscribers(registry.AddGauge("mailmesh_notifications_subscribers", "Mailboxes watched, by all streams together.")),
      notifications_dropped(registry.AddCounter("mailmesh_notifications_dropped_total",
                                                "Changes that a slow watcher was not told, but had to catch up with.")),
      collected_messages(registry.AddCounter("mailmesh_mailbox_collected_messages_total", "Removed messages collected.")),
      collected_blobs(registry.AddCounter("mailmesh_mailbox_collected_blobs_total", "Unreferenced contents collected.")),
      fetch_jobs(registry.AddGauge("mailmesh_mailbox_fetch_jobs", "Fetch jobs of this shard.")),
      uploads(registry.AddGauge("mailmesh_mailbox_uploads", "Contents that were written ahead and not forgotten yet.")),
      maildrop_leases(registry.AddGauge("mailmesh_mailbox_maildrop_leases", "Maildrops in use by POP3 sessions.")),
      backup_timestamp(registry.AddGauge("mailmesh_mailbox_backup_timestamp_seconds",
                                         "When this process made its last backup; 0: none yet.")),
      verify_findings(registry.AddGauge("mailmesh_mailbox_verify_findings",
                                        "What the last verification found and did not repair.")) {}

void StoreMetrics::Finished(Operation operation, const absl::Status& status,
                            std::chrono::steady_clock::duration took) const {
  const auto op = static_cast<size_t>(operation);
  operations.At({op, static_cast<size_t>(ResultOf(status))}).Increment();
  seconds.At({op}).Observe(std::chrono::duration<double>(took).count());
}

}  // namespace mailmesh::mailbox_store
