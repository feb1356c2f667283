// Picks messages that are due and runs them on the lanes, in the order of their due times, a bounded number at once.
//
// A message that has just been queued is run at once where there is room, without a look at the index; everything else is found by
// the index, so memory is bounded by what is active, whatever the queue's length. Thread-safe.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_SCHEDULER_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_SCHEDULER_H_

#include <absl/container/flat_hash_set.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <memory>
#include <vector>

#include "common/net/event.h"
#include "common/net/io_pool.h"
#include "services/outbound_relay/lane.h"
#include "services/outbound_relay/relay.h"

namespace mailmesh::outbound_relay {

class Scheduler {
 public:
  Scheduler(Relay& relay, net::IoPool& pool);

  void Start(uint64_t queued);
  // A message is in the queue and due now.
  void Offer(const QueueId& id);
  // Something in the index has changed: look again.
  void Wake();
  void ForgetBackOff();
  // Messages being delivered now.
  size_t active() const;
  void UpdateMetrics();

 private:
  net::Awaitable<void> Loop();
  static net::Awaitable<void> RunOne(Scheduler* self, Lane* lane, QueueId id);
  // True when it may run: there is room, and it does not run already.
  bool Claim(const QueueId& id);
  void Launch(QueueId id);

  Relay& relay_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<size_t> next_lane_{0};
  net::Event wake_;  // of lane 0
  std::atomic<bool> woken_{false};
  std::atomic<int64_t> queued_{0};
  std::atomic<int64_t> oldest_due_ms_{0};
  mutable absl::Mutex mutex_;
  absl::flat_hash_set<QueueId> active_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_SCHEDULER_H_
