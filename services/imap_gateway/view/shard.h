// One mailbox_store as this process sees it: how to call it, and the views of its mailboxes, kept current by one
// WatchMailboxes stream for all of them.
//
// A view is read once (ReadView) and then follows the stream. When the stream is lost, it is opened again and each view
// goes on after its own MODSEQ. A view that no session uses any more is watched for a minute longer, then kept without
// being watched, as long as such views take no more than `closed_view_bytes`; opened again it catches up by its MODSEQ.
// It is read again only when the store says so, or is another incarnation (was restored from a backup).
//
// Thread-safe. The loop, and every change of a view, runs on one executor.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_SHARD_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_SHARD_H_

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/auth/shard_map.h"
#include "common/net/awaitable.h"
#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"
#include "services/imap_gateway/view/view.h"

namespace mailmesh::imap_gateway {

class WatchStream;
class Shard;

// A session's hold on a view; lets go of it when destroyed.
class ViewLease {
 public:
  ViewLease() = default;
  ViewLease(std::shared_ptr<Shard> shard, std::shared_ptr<View> view, std::shared_ptr<Observer> observer);
  ViewLease(ViewLease&& other) noexcept = default;
  ViewLease& operator=(ViewLease&& other) noexcept;
  ~ViewLease();

  explicit operator bool() const { return view_ != nullptr; }
  View& view() const { return *view_; }
  Observer& observer() const { return *observer_; }
  net::Awaitable<absl::Status> WaitFor(uint64_t modseq, net::TimePoint deadline) const {
    return View::WaitFor(view_, observer_, modseq, deadline);
  }

 private:
  void Release();

  std::shared_ptr<Shard> shard_;
  std::shared_ptr<View> view_;
  std::shared_ptr<Observer> observer_;
};

class Shard : public std::enable_shared_from_this<Shard> {
 public:
  using Stub = mailbox::v1::MailboxService::Stub;

  // `map` outlives the shard. `executor` runs its loop.
  Shard(std::string name, auth::ShardMap& map, net::Executor executor, size_t closed_view_bytes);
  ~Shard();

  // For calls; changes when the shard moves to another address. Unavailable while that is not known.
  net::Awaitable<absl::StatusOr<std::shared_ptr<Stub>>> stub(net::TimePoint deadline);
  // The store said WRONG_SHARD.
  void Forget();

  // The view of a mailbox, at `modseq` or later. Returns when its version is there.
  net::Awaitable<absl::StatusOr<ViewLease>> Open(ViewKey key, std::string incarnation, uint64_t modseq,
                                                 std::shared_ptr<Observer> observer, net::TimePoint deadline);

  // Whether the store has been heard within 30 s. A view that may be older says [UNAVAILABLE].
  bool healthy() const;

  // Ends the loop; returns at once. Nothing is told to anybody afterwards.
  void Stop();
  bool stopped() const { return ended_.load(); }

  // For metrics and tests.
  size_t view_count() const;

 private:
  friend class ViewLease;
  enum class Phase { kNew, kReading, kWatched, kClosed };
  struct Slot {
    std::shared_ptr<View> view;  // shared with leases and the loop's functions
    Phase phase = Phase::kNew;
    size_t users = 0;
    uint64_t watch_id = 0;  // 0: not on the present stream
    net::TimePoint unused_since;
  };
  using Self = std::shared_ptr<Shard>;

  void Close(const std::shared_ptr<View>& view);
  void StartLoopLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // On executor_.
  static net::Awaitable<void> Run(Self self);
  net::Awaitable<bool> Watch();
  static net::Awaitable<void> Supervise(Self self, std::shared_ptr<WatchStream> stream);
  static net::Awaitable<void> Read(Self self, std::shared_ptr<View> view, int failures);
  net::Awaitable<absl::StatusOr<VersionPtr>> ReadVersion(const View& view, std::string* incarnation);
  void Ensure(const std::shared_ptr<View>& view);
  void Subscribe(Slot& slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Unsubscribe(Slot& slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Handle(const mailbox::v1::WatchMailboxesResponse& response);
  void Apply(const mailbox::v1::ViewChange& change);
  void OnEnded(const mailbox::v1::WatchMailboxesResponse::Ended& ended);
  void ReadAgain(const std::shared_ptr<View>& view, int failures);
  // The view of a subscription of the present stream; null: it is over.
  std::shared_ptr<View> Watched(uint64_t watch_id);
  void Drop(const std::shared_ptr<View>& view, View::End end);
  void Tidy();
  // After `failures` in a row; with any, after a pause.
  void SpawnRead(const std::shared_ptr<View>& view, int failures);
  void Heard() { last_heard_.store(net::Clock::now().time_since_epoch().count()); }

  const std::string name_;
  auth::ShardMap& map_;
  const net::Executor executor_;
  const size_t closed_view_bytes_;
  std::atomic<net::Clock::rep> last_heard_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> ended_{true};

  mutable absl::Mutex mutex_;
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mutex_);  // shared with the map
  std::shared_ptr<Stub> stub_ ABSL_GUARDED_BY(mutex_);              // shared with calls under way
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<ViewKey, Slot> slots_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, ViewKey> watches_ ABSL_GUARDED_BY(mutex_);  // of the present stream
  uint64_t next_watch_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::shared_ptr<WatchStream> stream_ ABSL_GUARDED_BY(mutex_);  // shared with its writer and its supervisor
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_SHARD_H_
