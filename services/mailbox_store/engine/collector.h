// Collects what nobody needs any more, in the background and at a bounded rate: expunged messages' records, mailboxes and
// accounts that were deleted, contents that nobody refers to, uploads that were not used, old change records.
//
// Why a content cannot go while somebody is about to refer to it: a new reference is staged by a message that still has one (COPY,
// MOVE: same account, so its commit comes before the one that removed the message, which is what made the content a
// candidate), or under an upload that is pinned until the reference is durable.
// Thread-safety: Start and Stop by the owner; RunOnce by one thread at a time.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_COLLECTOR_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_COLLECTOR_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/mailbox_store/engine/keys.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {

class Collector {
 public:
  struct Options {
    // Work of one round (messages, contents), and the pause after it.
    int units = 2000;
    absl::Duration pause = absl::Milliseconds(200);
    absl::Duration idle_pause = absl::Seconds(2);
    // A round failed; told once in a row.
    std::function<void(const absl::Status&)> on_error{};
  };

  Collector(Store& store, Options options) : store_(store), options_(std::move(options)) {}
  ~Collector() { Stop(); }

  void Start();
  void Stop();

  // One round; true: there is more to do.
  absl::StatusOr<bool> RunOnce();

  uint64_t collected_messages() const { return collected_messages_.load(std::memory_order_relaxed); }
  uint64_t collected_blobs() const { return collected_blobs_.load(std::memory_order_relaxed); }

 private:
  void Loop();
  // Handles rows of one kind while units are left, and goes on there the next time; false: rows may remain.
  absl::StatusOr<bool> ForRows(GarbageKind kind, int* units,
                               const std::function<absl::StatusOr<bool>(std::string_view key, std::string_view value, int* units)>& handle);
  absl::StatusOr<bool> Expunged(std::string_view key, std::string_view value, int* units);
  absl::StatusOr<bool> Mailbox(std::string_view key, int* units);
  absl::StatusOr<bool> Account(std::string_view key);
  absl::StatusOr<bool> Changes(std::string_view key);
  absl::StatusOr<bool> Blob(std::string_view key, kv::Batch* batch);
  absl::Status Blobs(int* units);
  // Rewrites the column of contents when most of its files is garbage: RocksDB drops blob files only in compactions.
  absl::Status CompactIfWorthIt();
  absl::Status Write(kv::Batch batch);

  Store& store_;
  const Options options_;
  std::atomic<uint64_t> collected_messages_{0};
  std::atomic<uint64_t> collected_blobs_{0};
  absl::Time last_compaction_ = absl::InfinitePast();
  // Where each kind's next round begins; empty: at its first row.
  std::map<GarbageKind, std::string> resume_;
  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_COLLECTOR_H_
