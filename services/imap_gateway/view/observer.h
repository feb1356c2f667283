// How a view reaches a session on another thread: it ends its wait, in IDLE or for a change of its own.
//
// Thread-safety: Wake() from any thread; the rest on the session's executor. A wake may be for nothing: look again.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_OBSERVER_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_OBSERVER_H_

#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "common/net/awaitable.h"
#include "common/net/event.h"
#include "common/net/stream.h"

namespace mailmesh::imap_gateway {

class Observer : public std::enable_shared_from_this<Observer> {
 public:
  Observer(const net::Executor& executor, net::StreamHandle stream) : stream_(std::move(stream)), changed_(executor) {}

  void Wake();

  // While set, a wake interrupts the session's WaitReadable().
  void set_idling(bool idling) { idling_.store(idling); }
  // Call Expect(), then look at the view, then wait: no change is lost between.
  void Expect() { waiting_.store(true); }
  net::Awaitable<absl::Status> Wait(net::TimePoint deadline);

 private:
  const net::StreamHandle stream_;
  net::Event changed_;
  std::atomic<bool> idling_{false};
  std::atomic<bool> waiting_{false};
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_OBSERVER_H_
