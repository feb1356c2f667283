#include "common/net/event.h"

#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

namespace mailmesh::net {

// Lives in the frame of Wait(). Its timer is both the deadline and, cancelled, the wake-up.
struct Event::Waiter {
  Waiter(Event* owner, TimePoint deadline) : event(owner), timer(owner->executor_, deadline) {
    position = event->waiters_.insert(event->waiters_.end(), this);
  }
  // Also when the frame is destroyed while it waits (its io_context ends).
  ~Waiter() {
    if (event != nullptr) event->waiters_.erase(position);
  }
  void Wake(bool by_notify) {
    notified = by_notify;
    event = nullptr;
    timer.cancel();
  }

  Event* event;  // null once woken: then the event may be gone
  asio::steady_timer timer;
  bool notified = false;
  std::list<Waiter*>::iterator position;
};

Event::~Event() {
  for (Waiter* waiter : waiters_) waiter->Wake(false);
}

void Event::Notify() {
  if (waiters_.empty()) {
    pending_ = true;
    return;
  }
  for (Waiter* waiter : waiters_) waiter->Wake(true);
  waiters_.clear();
}

Awaitable<absl::Status> Event::Wait(TimePoint deadline) {
  if (pending_) {
    pending_ = false;
    co_return absl::OkStatus();
  }
  Waiter waiter(this, deadline);
  asio::error_code error;
  co_await waiter.timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  if (waiter.notified) co_return absl::OkStatus();
  if (waiter.event == nullptr) co_return absl::CancelledError("the event was destroyed");
  if (error) co_return absl::CancelledError("the wait was cancelled");
  co_return absl::DeadlineExceededError("not notified in time");
}

}  // namespace mailmesh::net
