#include "common/net/semaphore.h"

#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

namespace mailmesh::net {

// Lives in the frame of Acquire(); see Event::Waiter.
struct Semaphore::Waiter {
  Waiter(Semaphore* semaphore, TimePoint deadline) : owner(semaphore), timer(semaphore->executor_, deadline) {
    position = owner->queue_.insert(owner->queue_.end(), this);
  }
  ~Waiter() {
    if (!granted) {
      owner->queue_.erase(position);
    } else if (!taken) {
      owner->Return();  // the frame ended between grant and resumption
    }
  }

  Semaphore* owner;
  asio::steady_timer timer;
  bool granted = false;
  bool taken = false;
  std::list<Waiter*>::iterator position;
};

Semaphore::Permit& Semaphore::Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    Release();
    owner_ = std::exchange(other.owner_, nullptr);
  }
  return *this;
}

void Semaphore::Permit::Release() {
  if (owner_ != nullptr) std::exchange(owner_, nullptr)->Return();
}

void Semaphore::Return() {
  if (queue_.empty()) {
    ++free_;
    return;
  }
  // Straight to the first in the queue: somebody who comes just now must not overtake it.
  Waiter* first = queue_.front();
  queue_.pop_front();
  first->granted = true;
  first->timer.cancel();
}

Awaitable<absl::StatusOr<Semaphore::Permit>> Semaphore::Acquire(TimePoint deadline) {
  if (free_ > 0) {
    --free_;
    co_return Permit(this);
  }
  Waiter waiter(this, deadline);
  asio::error_code error;
  co_await waiter.timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  if (waiter.granted) {
    waiter.taken = true;
    co_return Permit(this);
  }
  if (error) co_return absl::CancelledError("the wait was cancelled");
  co_return absl::DeadlineExceededError("no unit came free in time");
}

}  // namespace mailmesh::net
