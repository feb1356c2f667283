// The inside of Stream: what operations, timers and handles share. Private to common/net.
//
// One timer serves all deadlines: it is not moved with each wait but looks, when it fires, whether the wait of that
// moment is over its time. A wait that ends normally therefore costs no timer operation at all.
#ifndef MAILMESH_COMMON_NET_STREAM_CORE_H_
#define MAILMESH_COMMON_NET_STREAM_CORE_H_

#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <utility>

#include "common/net/socket_io.h"
#include "common/net/stream.h"
#include "common/net/tls_session.h"
#include "common/net/unique_fd.h"

namespace mailmesh::net {

class StreamCore : public std::enable_shared_from_this<StreamCore> {
 public:
  using Ptr = std::shared_ptr<StreamCore>;
  enum class Side { kRead, kWrite };

  StreamCore(Executor executor, UniqueFd fd);
  ~StreamCore() { Close(); }

  // Marks an operation as running; another one meanwhile is refused.
  class Operation {
   public:
    explicit Operation(StreamCore& core);
    ~Operation();
    const absl::Status& status() const { return status_; }

   private:
    StreamCore& core_;
    absl::Status status_;
  };

  // One attempt, on TLS where that was started.
  IoStep TryRead(std::span<char> into) {
    return tls != nullptr ? tls->Read(into) : Receive(descriptor.native_handle(), into);
  }
  IoStep TryPeek() { return tls != nullptr ? tls->Peek() : Peek(descriptor.native_handle()); }

  // Waits for what the attempt wants. Ok, DeadlineExceeded, Cancelled; when interruptible also ok with interrupted()
  // true.
  static Awaitable<absl::Status> Wait(Ptr core, Side side, bool interruptible = false);
  // To be asked before each attempt: true when so many succeeded in a row that others on this thread should run
  // (Yield()).
  bool Greedy();

  // Open and within time?
  absl::Status Check() const;
  bool interrupted() const { return interrupted_; }
  bool TakeInterrupt() { return std::exchange(interrupted_, false); }
  void Interrupt();
  void Cancel();
  void Close();

  Executor executor;
  asio::posix::stream_descriptor descriptor;
  std::unique_ptr<TlsSession> tls;
  SocketAddress peer;
  SocketAddress local;
  std::shared_ptr<void> companion;
  Duration wait_limit = Duration::zero();
  TimePoint expires_at = kNever;
  Side try_side = Side::kRead;  // what the last Stream::TryRead() wanted

 private:
  enum class Wake { kNone, kInterrupt, kDeadline };

  void ArmTimer();
  void StartTimer(TimePoint when);
  void OnTimer();
  void WakeWaiter(Wake why);

  asio::steady_timer timer_;
  TimePoint timer_at_ = kNever;     // kNever: not running
  TimePoint wait_ends_ = kNever;    // of the wait in progress
  Wake wake_ = Wake::kNone;
  int greed_ = 0;                   // attempts that succeeded in a row
  bool busy_ = false;
  bool waiting_ = false;
  bool interruptible_ = false;
  bool interrupted_ = false;
  bool cancelled_ = false;
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_STREAM_CORE_H_
