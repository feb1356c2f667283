#include "common/net/stream_core.h"

#include <algorithm>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

namespace mailmesh::net {

StreamCore::StreamCore(Executor executor_in, UniqueFd fd)
    : executor(std::move(executor_in)), descriptor(executor), timer_(executor) {
  if (!fd.valid()) return;
  asio::error_code error;
  descriptor.assign(fd.get(), error);
  // No memory for epoll: the stream is closed from the start, and its user sees that with the first operation.
  if (error) return;
  const int native = fd.Release();
  descriptor.native_non_blocking(true, error);
  peer = PeerAddressOf(native);
  local = LocalAddressOf(native);
  if (local.is_ip()) SetTcpOptions(native);
}

StreamCore::Operation::Operation(StreamCore& core) : core_(core) {
  if (core.busy_) {
    status_ = absl::FailedPreconditionError("another operation of the stream is running");
    return;
  }
  core.busy_ = true;
  status_ = core.Check();
}

StreamCore::Operation::~Operation() {
  if (!absl::IsFailedPrecondition(status_)) core_.busy_ = false;
}

absl::Status StreamCore::Check() const {
  if (cancelled_ || !descriptor.is_open()) return absl::CancelledError("the stream was closed");
  if (expires_at != kNever && Clock::now() >= expires_at) {
    return absl::DeadlineExceededError("the stream's time is over");
  }
  return absl::OkStatus();
}

Awaitable<absl::Status> StreamCore::Wait(Ptr core, Side side, bool interruptible) {
  core->greed_ = 0;
  core->waiting_ = true;
  core->interruptible_ = interruptible;
  core->wake_ = Wake::kNone;
  core->ArmTimer();
  asio::error_code error;
  const auto direction =
      side == Side::kRead ? asio::posix::descriptor_base::wait_read : asio::posix::descriptor_base::wait_write;
  co_await core->descriptor.async_wait(direction, asio::redirect_error(asio::use_awaitable, error));
  core->waiting_ = false;
  if (core->cancelled_) co_return absl::CancelledError("the stream was closed");
  if (!error || core->wake_ == Wake::kInterrupt) co_return absl::OkStatus();
  if (core->wake_ == Wake::kDeadline) co_return absl::DeadlineExceededError("the peer was silent too long");
  co_return absl::CancelledError("the wait was cancelled");
}

bool StreamCore::Greedy() {
  constexpr int kTurn = 32;
  if (++greed_ < kTurn) return false;
  greed_ = 0;
  return true;
}

void StreamCore::ArmTimer() {
  wait_ends_ = wait_limit > Duration::zero() ? std::min(expires_at, After(wait_limit)) : expires_at;
  // A timer that fires too early looks again and goes on; only one that would fire too late is moved.
  if (wait_ends_ < timer_at_) StartTimer(wait_ends_);
}

void StreamCore::StartTimer(TimePoint when) {
  timer_at_ = when;
  timer_.expires_at(when);
  timer_.async_wait([weak = weak_from_this()](const asio::error_code& error) {
    if (error) return;
    if (Ptr core = weak.lock()) core->OnTimer();
  });
}

void StreamCore::OnTimer() {
  timer_at_ = kNever;
  if (!waiting_ || wait_ends_ == kNever) return;
  if (Clock::now() >= wait_ends_) {
    WakeWaiter(Wake::kDeadline);
  } else {
    StartTimer(wait_ends_);
  }
}

void StreamCore::WakeWaiter(Wake why) {
  if (wake_ == Wake::kNone) wake_ = why;
  asio::error_code ignored;
  descriptor.cancel(ignored);
}

void StreamCore::Interrupt() {
  interrupted_ = true;
  if (waiting_ && interruptible_) WakeWaiter(Wake::kInterrupt);
}

void StreamCore::Cancel() {
  cancelled_ = true;
  asio::error_code ignored;
  if (descriptor.is_open()) descriptor.cancel(ignored);
}

void StreamCore::Close() {
  if (descriptor.is_open()) {
    // The peer may tell an end from a cut by it; whoever does not read it in time goes without.
    if (tls != nullptr) tls->Shutdown();
    asio::error_code ignored;
    descriptor.close(ignored);
  }
  cancelled_ = true;
  tls.reset();
  timer_.cancel();
  timer_at_ = kNever;
  companion.reset();
}

}  // namespace mailmesh::net
