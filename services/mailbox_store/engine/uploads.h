// Contents that are written ahead of the messages that will refer to them.
//
// Flow: Begin -> Append (any pieces) -> Finish gives the upload's id -> Pin by the operation that stores a message -> the
// collector drops it after upload_memory, when nobody pins it. What messages refer to lives on without the upload: one that was
// used stays for a call that is repeated, and makes room for new ones after kRepetitionTime.
// Pieces go to the database unsynced, through the pipeline, in chunks of kChunkSize: the commit that refers to them carries
// the sync for all of them, because the log keeps the order.
// Thread-safety: Uploads by any thread; a Writer by one at a time. Append and Finish block.
// Limits: max_message_bytes each; kMaxUploads at a time, finished or not, and kMaxSummaryBytes for what is known of them.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_UPLOADS_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_UPLOADS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/mailbox_store/engine/digest.h"
#include "services/mailbox_store/engine/keys.h"
#include "services/mailbox_store/engine/summary.h"

namespace mailmesh::mailbox_store {

class Store;

// A finished upload.
struct Upload {
  BlobId blob{};
  uint64_t size = 0;
  Summary summary;
  // Numbers of the trace fields put on top of it.
  mutable std::atomic<uint32_t> next_prefix{0};
};
// Whoever holds one keeps the content from being collected. Owners: the table, operations under way.
using UploadPtr = std::shared_ptr<const Upload>;

class Uploads {
 public:
  static constexpr size_t kMaxUploads = 10'000;
  static constexpr size_t kMaxSummaryBytes = 64 << 20;
  // Longer than a caller repeats a call whose answer was lost.
  static constexpr absl::Duration kRepetitionTime = absl::Seconds(60);

  explicit Uploads(Store& store) : store_(store) {}

  class Writer {
   public:
    // Not finished: what was written is collected.
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    // TooLarge, DiskFull, Overload; the writer is of no use afterwards.
    absl::Status Append(std::string_view octets);
    // The upload's id.
    absl::StatusOr<std::string> Finish();
    uint64_t size() const { return size_; }

   private:
    friend class Uploads;
    explicit Writer(Store& store);
    absl::Status WriteChunk();

    Store& store_;
    const BlobId blob_;
    std::string buffer_;
    uint32_t chunks_ = 0;
    uint64_t size_ = 0;
    bool finished_ = false;
    SummaryBuilder summary_;
    Digest digest_;
  };
  absl::StatusOr<std::unique_ptr<Writer>> Begin();

  // NotFound/UPLOAD_NOT_FOUND.
  absl::StatusOr<UploadPtr> Pin(std::string_view upload_id);

  // At start: uploads do not survive the process that took them. Hands what is left of them to the collector.
  absl::Status CollectLeftovers();
  // Hands uploads that are too old to the collector; returns how many.
  absl::StatusOr<int> CollectExpired();
  // Whether the content belongs to an upload of this process that is still known (finished or not).
  bool Knows(const BlobId& blob) const;

  size_t count() const;

 private:
  struct Entry {
    UploadPtr upload;  // null while it is being written
    absl::Time since;
    absl::Time used = absl::InfiniteFuture();  // for the last time
  };
  bool Full() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Takes out those that nobody holds and that were received, or used, before these times; they are to go to the collector.
  std::vector<BlobId> TakeOut(absl::Time received, absl::Time used) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Abandon(const BlobId& blob);
  absl::Status HandToCollector(const std::vector<BlobId>& blobs);

  Store& store_;
  mutable absl::Mutex mutex_;
  std::unordered_map<std::string, Entry> uploads_ ABSL_GUARDED_BY(mutex_);
  size_t summary_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_UPLOADS_H_
