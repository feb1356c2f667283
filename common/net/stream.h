// One connection, TCP or Unix, plain or TLS, for coroutines.
//
// Every operation first tries without waiting. While it waits it holds no buffer: a TLS connection that idles has given
// back OpenSSL's (SSL_MODE_RELEASE_BUFFERS), and WaitReadable() needs none of the caller's.
// One operation at a time: another one meanwhile is FailedPrecondition. The stream, and what it was started with, must
// live until the operation returns.
//
// Errors: Unavailable (refused, reset, broken TLS record), DeadlineExceeded, Cancelled (Cancel() or Close()),
//   Unauthenticated (the TLS peer could not be verified), FailedPrecondition (misuse), Internal.
//   After any error of an operation but DeadlineExceeded of WaitReadable() and ReadSome() the connection is of no use.
// An end without close_notify counts as an end: all our protocols say by themselves where a message ends.
// Thread-safety: all calls on executor(), which one thread runs. From other threads: StreamHandle.
#ifndef MAILMESH_COMMON_NET_STREAM_H_
#define MAILMESH_COMMON_NET_STREAM_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/net/address.h"
#include "common/net/awaitable.h"
#include "common/net/tls_client_context.h"
#include "common/net/tls_server_context.h"
#include "common/net/tls_types.h"

namespace mailmesh::net {

enum class WaitResult {
  kReadable,     // octets, an end or an error are there for ReadSome()
  kInterrupted,  // Interrupt() was called
};

class StreamCore;

// Reaches a stream from any thread, also after its end (then it does nothing).
class StreamHandle {
 public:
  StreamHandle() = default;
  void Interrupt() const;
  void Cancel() const;
  // Interrupts or cancels after a while.
  void InterruptAfter(Duration delay) const;
  void CancelAfter(Duration delay) const;

 private:
  friend class Stream;
  StreamHandle(Executor executor, std::weak_ptr<StreamCore> core)
      : executor_(std::move(executor)), core_(std::move(core)) {}
  Executor executor_;
  std::weak_ptr<StreamCore> core_;
};

class Stream {
 public:
  Stream();  // closed
  // Takes the descriptor of a connected stream socket and makes it non-blocking. For TCP: no delay, keepalive within
  // 120 s.
  Stream(Executor executor, int fd);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  // At least one octet; 0 is the end of input.
  Awaitable<absl::StatusOr<size_t>> ReadSome(std::span<char> into);
  // Never waits: nullopt when nothing is there.
  absl::StatusOr<std::optional<size_t>> TryRead(std::span<char> into);
  // Waits until TryRead(), which has just given nullopt, is worth calling again.
  Awaitable<absl::Status> WaitAfterTry();
  // Consumes nothing. An Interrupt() that came before the call counts; octets that are there already win over it.
  Awaitable<absl::StatusOr<WaitResult>> WaitReadable();

  // All of it, or an error. The octets must stay until it returns.
  Awaitable<absl::Status> Write(std::string_view octets);
  // All pieces in order, few system calls; on TLS small pieces share a record.
  Awaitable<absl::Status> WriteV(std::span<const std::string_view> pieces);

  // The caller has thrown away what it had read ahead before (BufferedReader::DiscardAll; RFC 3207, 4.2).
  Awaitable<absl::Status> StartTlsServer(std::shared_ptr<const TlsServerContext> context);
  Awaitable<absl::Status> StartTlsClient(std::shared_ptr<const TlsClientContext> context, TlsPeer peer);

  // Ends the own direction (close_notify on TLS, FIN); reading goes on.
  Awaitable<absl::Status> ShutdownWrite();
  // For whoever ends a connection while the peer may be sending: ShutdownWrite(), then what still comes is read away, until the peer
  // ends too, or kLingerTime or kLingerOctets are over. Closing over unread octets would be a reset, which takes the last words
  // along, or keeps a peer that is writing from reading them.
  static constexpr Duration kLingerTime = std::chrono::seconds(1);
  static constexpr size_t kLingerOctets = 1 << 20;
  Awaitable<void> Linger();

  // Each wait from now on may last this long; zero or less: no limit. The clock begins anew with every wait inside an
  // operation, so it bounds silence. Whoever must bound a whole exchange uses ExpiresAt().
  void ExpiresAfter(Duration limit);
  // Everything from now on ends at this instant; kNever: no limit. Both limits hold.
  void ExpiresAt(TimePoint when);

  // Wakes WaitReadable(), the current one or else the next one. Remembered once.
  void Interrupt();
  // The current operation and all later ones return Cancelled.
  void Cancel();
  // Cancel(), a last non-blocking close_notify, close(2). Idempotent.
  void Close();
  bool is_open() const;

  // For loops over TryRead(): true now and then, when others on this thread should run first (co_await Yield(),
  // sleep.h).
  bool Greedy();

  // Thread-safe access for watchers and drains.
  StreamHandle handle() const;
  Executor executor() const;  // none for a stream without connection
  int fd() const;  // -1 when closed
  const SocketAddress& peer_address() const;
  const SocketAddress& local_address() const;
  // A PROXY header or XCLIENT told the true peer.
  void set_peer_address(SocketAddress address);

  bool is_tls() const;
  const TlsInfo& tls_info() const;  // empty when not TLS
  // RFC 9266: for tls-exporter, label "EXPORTER-Channel-Binding", no context, 32 octets. FailedPrecondition where the
  // session cannot give unique material (no TLS; TLS 1.2 without extended master secret).
  absl::StatusOr<std::string> ExportKeyingMaterial(std::string_view label, size_t size) const;

  // Destroyed together with the connection: a session permit, for example.
  void Attach(std::shared_ptr<void> companion);

 private:
  std::shared_ptr<StreamCore> core_;  // owned here; operations in flight share it until they have returned
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_STREAM_H_
