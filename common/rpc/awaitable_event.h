// The one place where gRPC's threads meet our coroutines: an event that a gRPC callback sets and one coroutine awaits.
//
// Set() only moves the waiting coroutine to its own executor; none of its code runs on the gRPC thread.
// The executor counts the wait as outstanding work, so that an io_context does not run out while a call is under way.
//
// Thread-safety: Set() from any thread, once per Reset(). Await, IsSet and Reset by one coroutine at a time.
// Lifetime: the execution context must outlive the wait. A call under way is ended by cancelling it, after which the
// wait ends at once: cancel sessions, let the io_context run dry, then destroy it.
#ifndef MAILMESH_COMMON_RPC_AWAITABLE_EVENT_H_
#define MAILMESH_COMMON_RPC_AWAITABLE_EVENT_H_

#include <asio/any_io_executor.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/execution/outstanding_work.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/use_awaitable.hpp>
#include <atomic>
#include <optional>
#include <utility>

namespace mailmesh::rpc::rpc_internal {

class AwaitableEvent {
 public:
  AwaitableEvent() = default;
  AwaitableEvent(const AwaitableEvent&) = delete;
  AwaitableEvent& operator=(const AwaitableEvent&) = delete;

  // After this call the waiter may have destroyed the event: touch nothing of it.
  void Set() {
    if (state_.exchange(kSet, std::memory_order_acq_rel) == kWaiting) {
      Resume();
    }
  }

  bool IsSet() const { return state_.load(std::memory_order_acquire) == kSet; }

  // For the next round. Nobody waits and nobody is about to Set().
  void Reset() { state_.store(kIdle, std::memory_order_release); }

  // Suspends, calls start() (which makes Set() happen, now or later), resumes after Set(). `cancel` is called when the
  // coroutine is cancelled through its cancellation slot; it must lead to Set(). Both are called at most once, and must
  // not touch the coroutine's frame after what makes Set() happen.
  template <class Start, class Cancel>
  asio::awaitable<void> Await(Start start, Cancel cancel) {
    return asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
        [](auto handler, AwaitableEvent* self, Start start, Cancel cancel) {
          auto slot = asio::get_associated_cancellation_slot(handler);
          if (slot.is_connected()) {
            slot.assign([cancel = std::move(cancel)](asio::cancellation_type_t) mutable { cancel(); });
          }
          self->Arm(std::move(handler));
          start();
        },
        asio::use_awaitable, this, std::move(start), std::move(cancel));
  }

 private:
  using Handler = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;
  enum State { kIdle, kWaiting, kSet };

  void Arm(Handler handler) {
    executor_ = asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
    handler_.emplace(std::move(handler));
    State expected = kIdle;
    if (!state_.compare_exchange_strong(expected, kWaiting, std::memory_order_acq_rel)) {
      Resume();  // set between the caller's test and now
    }
  }

  void Resume() {
    // Moved out first: the coroutine may destroy the event before asio::post returns.
    Handler handler = std::move(*handler_);
    handler_.reset();
    asio::any_io_executor executor = std::exchange(executor_, {});
    asio::post(executor, [handler = std::move(handler)]() mutable { handler(); });
  }

  std::atomic<State> state_{kIdle};
  std::optional<Handler> handler_;
  asio::any_io_executor executor_;
};

}  // namespace mailmesh::rpc::rpc_internal

#endif  // MAILMESH_COMMON_RPC_AWAITABLE_EVENT_H_
