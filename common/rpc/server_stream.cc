#include "common/rpc/server_stream.h"

namespace mailmesh::rpc::rpc_internal {

absl::Status StreamCancelledError() { return absl::CancelledError("the call is over"); }

asio::awaitable<void> StreamStop::Wait() {
  if (cancelled() || draining()) {
    co_return;
  }
  // Cancelling the wait wakes it like a stop.
  auto cancel = [this] { event_.Set(); };
  co_await event_.Await([] {}, cancel);
  if (!cancelled() && !draining()) {
    event_.Reset();
  }
}

void StreamStop::SetHook(absl::AnyInvocable<void()> hook, std::shared_ptr<void> owner) {
  hook_ = std::move(hook);
  {
    absl::MutexLock lock(&mutex_);
    owner_ = owner;
  }
  if (cancelled() || draining()) {
    Fire();
  }
}

void StreamStop::OnCancel() {
  cancelled_.store(true, std::memory_order_release);
  Fire();
}

void StreamStop::OnDrain() {
  draining_.store(true, std::memory_order_release);
  Fire();
}

void StreamStop::Fire() {
  event_.Set();
  std::shared_ptr<void> owner;
  {
    absl::MutexLock lock(&mutex_);
    owner = owner_.lock();
  }
  if (owner == nullptr) {
    return;
  }
  asio::post(executor_, [this, owner = std::move(owner)] {
    // Empty where the handler has returned, or a stop before this one ran it.
    absl::AnyInvocable<void()> hook = std::exchange(hook_, nullptr);
    if (hook != nullptr) {
      hook();
    }
  });
}

}  // namespace mailmesh::rpc::rpc_internal
