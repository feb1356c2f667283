// The queue on disk: items, bodies, the index of what is due, remembered requests (docs/formats/outbound_relay.md).
//
// Every change goes through the commit pipeline, so that many share one sync. Reads and Enqueue block: call them on the spool's
// pool. Thread-safe.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_SPOOL_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_SPOOL_H_

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/kv/commit_pipeline.h"
#include "common/kv/database.h"
#include "common/kv/free_space_guard.h"
#include "common/kv/metrics.h"
#include "mailmesh/config/v1/common.pb.h"
#include "services/outbound_relay/destination.h"

namespace mailmesh::outbound_relay {

struct DueEntry {
  QueueId id;
  int64_t due_ms = 0;
};

struct DuePage {
  std::vector<DueEntry> entries;
  // Of the first one that is not among them.
  std::optional<int64_t> next_due_ms;
};

// Raise it with every change that an older program would misread.
inline constexpr uint32_t kSpoolSchema = 2;

class Spool {
 public:
  static constexpr size_t kChunk = 256 * 1024;
  using Done = absl::AnyInvocable<void(const absl::Status&)>;

  static absl::StatusOr<std::unique_ptr<Spool>> Open(const config::v1::DatabaseConfig& config, telemetry::Registry& metrics,
                                                     const base::Clock& clock, std::function<void(const absl::Status&)> on_fatal);
  ~Spool();

  // A content above kChunk is written ahead: AddChunk for each part in order, then FinishUpload.
  std::string NewUploadId() const;
  absl::Status AddChunk(const std::string& upload_id, uint32_t index, std::string_view octets);
  absl::Status FinishUpload(const std::string& upload_id, uint64_t size);
  // Drops uploads older than `age` that nothing refers to, and forgets requests older than `request_age`.
  absl::Status Collect(absl::Duration age, absl::Duration request_age);

  // The answer to this request if it was made before.
  absl::StatusOr<std::optional<QueueId>> FindRequest(const std::string& request_id) const;
  // Makes `item` durable and due at item.next_attempt_ms, with its content: `octets`, or (with upload_id) what was written ahead;
  // NotFound when that is not there. `done` is called when it is durable. The item gets body_id, body_bytes and destination.
  absl::Status Enqueue(const QueueId& id, Item item, std::string_view octets, const std::string& upload_id,
                       const std::string& request_id, Done done);

  absl::StatusOr<Item> Read(const QueueId& id) const;  // NotFound
  // A destination's items that are due at or before `until_ms`, oldest first, at most `limit`. What is due later than `latest_ms`
  // was written before the clock went back, and is due as well.
  absl::StatusOr<DuePage> ReadDue(const std::string& destination, int64_t until_ms, size_t limit,
                                  int64_t latest_ms = std::numeric_limits<int64_t>::max()) const;
  // Destinations that have items, in order, after `after`: each with its earliest due time. It costs a look each, whatever their
  // queues' lengths.
  absl::StatusOr<std::vector<Place>> Destinations(const std::string& after, size_t limit) const;
  // Items in the order of their ids, after `after`.
  absl::StatusOr<std::vector<std::pair<QueueId, Item>>> List(const QueueId& after, size_t limit) const;
  absl::StatusOr<std::string> ReadChunk(const std::string& body_id, uint32_t index) const;

  // Replaces the item, which stood at `old`; its destination is the caller's to set. `notifications`: messages of our own that enter the queue in the same commit.
  struct Notification {
    QueueId id;
    Item item;
    std::string octets;
  };
  void Update(const QueueId& id, const Item& item, const Place& old, std::vector<Notification> notifications, Done done);
  // Takes the item and its content out.
  void Remove(const QueueId& id, const Item& item, const Place& old, std::vector<Notification> notifications, Done done);

  // Counts items by a walk over the index: for the metrics, at start.
  absl::StatusOr<uint64_t> Count() const;
  absl::Status Check() const;

 private:
  Spool(const base::Clock& clock) : clock_(clock) {}
  absl::Status MakeSchema();
  // From schema 1, whose index had no destinations.
  absl::Status Upgrade();
  void Finish(kv::Commit commit, Done done);
  void AddItem(kv::Batch& batch, const QueueId& id, const Item& item) const;
  void AddNotifications(kv::Batch& batch, std::vector<Notification> notifications) const;
  int64_t NowMs() const;

  const base::Clock& clock_;
  std::unique_ptr<kv::FreeSpaceGuard> guard_;
  std::unique_ptr<kv::Database> database_;
  std::unique_ptr<kv::PipelineMetrics> pipeline_metrics_;
  std::unique_ptr<kv::DatabaseMetrics> database_metrics_;
  std::unique_ptr<kv::CommitPipeline> pipeline_;
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_SPOOL_H_
