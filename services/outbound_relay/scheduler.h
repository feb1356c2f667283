// Gives turns: to each destination whose messages are due, round and round, within its pace and the process's limit.
//
// The index on disk is by destination, so a destination that is down, or slow, or has a million messages costs the others nothing: its
// messages are not even looked at. In memory is what runs, a few ids ahead for each destination that is at work, and a line for each
// destination that has mail at all.
// A message that has just been queued runs at once where its destination has room and nothing waits before it.
//
// An attempt at a server that does not answer holds its place for minutes. So destinations stand in lines by what is known of them
// (pace.h), each line gets every so many places, and those that are not known to be up hold a share of all places and no more:
// failing ones a quarter, they and what waits from before the start a half, all of them together with new ones three quarters.
// Thread-safe.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_SCHEDULER_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_SCHEDULER_H_

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_set.h>
#include <absl/container/node_hash_map.h>
#include <absl/synchronization/mutex.h>

#include <array>
#include <atomic>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/net/event.h"
#include "common/net/io_pool.h"
#include "services/outbound_relay/item_run.h"
#include "services/outbound_relay/lane.h"
#include "services/outbound_relay/pace.h"
#include "services/outbound_relay/relay.h"
#include "services/outbound_relay/turn.h"

namespace mailmesh::outbound_relay {

class Scheduler final : public TurnKeeper {
 public:
  Scheduler(Relay& relay, net::IoPool& pool);

  void Start();
  // A message has entered the queue.
  void Offer(const QueueId& id, const Place& place);
  // A message that was in the queue stands here now.
  void Moved(const Place& place);
  // An operator has taken so many messages out.
  void Left(uint64_t messages) { queued_ -= static_cast<int64_t>(messages); }
  void ForgetBackOff();

  // Keeps a message from being run while an operator changes it. False: it runs now.
  bool Claim(const QueueId& id);
  void Release(const QueueId& id);

  // Messages being delivered now.
  size_t active() const;
  void Wake();
  void UpdateMetrics();

  // TurnKeeper, for the deliveries of messages that have several destinations, and for all at their end.
  bool Take(const std::string& destination) override;
  void End(const std::string& destination, Lane& lane, Contact contact, const smtp::Outcome* failure) override;
  std::optional<absl::Time> BacksOffUntil(const std::string& destination) override;
  std::optional<smtp::Outcome> LastFailure(const std::string& destination) override;

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  struct Queue {
    explicit Queue(const PaceOptions& options) : pace(options) {}
    Pace pace;
    std::deque<DueEntry> ready;     // read ahead
    int64_t next_due_ms = kNever;   // of what is not in `ready`
    int64_t wake_ms = kNever;       // its place in wakes_
    bool in_turns = false;
    // What it holds of held_ now.
    size_t held_as = 0;
    uint32_t held = 0;
    bool loading = false;
    Lane* lane = nullptr;  // of its last delivery, where a connection may be idle
    std::optional<smtp::Outcome> last_failure;
  };
  using Entry = std::pair<const std::string, Queue>;

  net::Awaitable<void> Loop();
  net::Awaitable<void> Serve();
  net::Awaitable<void> Load(Entry* entry, size_t limit);
  static net::Awaitable<void> RunOne(Scheduler* self, Lane* lane, QueueId id, std::string destination);
  // At start: destinations that have mail from before, and how much there is.
  static net::Awaitable<void> ReadQueue(Scheduler* self);
  // Warns of, and sends back, what has waited too long, though its destination is not tried.
  static net::Awaitable<void> WatchAges(Scheduler* self);
  net::Awaitable<void> ConcludeOld(QueueId* cursor, absl::Duration age);

  // `untried`: what is thought of it if nothing is known.
  Entry* Find(const std::string& destination, Standing untried) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  PaceOptions PaceFor(const std::string& destination, Standing untried) const;
  // The line of a destination: an index of turns_ and held_.
  static size_t LineOf(const Entry& entry);
  // After each change of its pace.
  void Recount(Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoom(size_t line) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The line whose first one is to have the next place; nothing: nobody who waits may have one.
  std::optional<size_t> NextLine() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Begins with the first of `ready` that does not run yet. False: there was none.
  bool LaunchReady(Entry* entry, Lane* lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Launch(Entry* entry, QueueId id, Lane* lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // At all destinations, without regard to what was planned.
  void LookAgain() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Puts the destination where it will be seen next: in turns_, in wakes_, or, with nothing left to know of it, nowhere.
  void Reschedule(Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetDue(Entry* entry, int64_t due_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Relay& relay_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<size_t> next_lane_{0};
  net::Event wake_;  // of lane 0
  std::atomic<bool> woken_{false};
  std::atomic<int64_t> queued_{0};
  mutable absl::Mutex mutex_;
  absl::node_hash_map<std::string, Queue> queues_ ABSL_GUARDED_BY(mutex_);
  std::array<std::deque<Entry*>, kStandings> turns_ ABSL_GUARDED_BY(mutex_);
  size_t last_line_ ABSL_GUARDED_BY(mutex_) = 0;  // that had a turn
  absl::btree_set<std::pair<int64_t, Entry*>> wakes_ ABSL_GUARDED_BY(mutex_);
  int64_t last_seen_ms_ = 0;  // by the loop
  absl::flat_hash_set<QueueId> claimed_ ABSL_GUARDED_BY(mutex_);  // running, or in an operator's hand
  size_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  std::array<size_t, kStandings> held_ ABSL_GUARDED_BY(mutex_) = {};  // turns that are taken
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_SCHEDULER_H_
