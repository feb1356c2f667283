// A condition that coroutines of one executor wait for.
//
// Notify() wakes everybody who waits; with nobody waiting it is remembered, once, for the next Wait(), so that no
// wake-up is lost between a test and the wait. Wakes may be for an older change: test again in a loop.
// Thread-safety: none; all calls on the executor given. From other threads, asio::post a call of Notify().
#ifndef MAILMESH_COMMON_NET_EVENT_H_
#define MAILMESH_COMMON_NET_EVENT_H_

#include <absl/status/status.h>

#include <list>

#include "common/net/awaitable.h"

namespace mailmesh::net {

class Event {
 public:
  explicit Event(Executor executor) : executor_(std::move(executor)) {}
  // Waiters return Cancelled.
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void Notify();
  // Ok when notified; DeadlineExceeded; Cancelled when the event is destroyed meanwhile.
  Awaitable<absl::Status> Wait(TimePoint deadline = kNever);

  const Executor& executor() const { return executor_; }

 private:
  struct Waiter;
  Executor executor_;
  bool pending_ = false;
  std::list<Waiter*> waiters_;
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_EVENT_H_
