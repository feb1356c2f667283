// The accept loop: takes connections from one listening socket, enforces limits, hands each to a session on a thread of
// the pool.
//
// Flow: Listener::Start(socket, options, pool, handler) ... Stop() at drain (sessions go on) ... destroy.
// A session counts against the limits until its Stream is destroyed. Where load balancers are in between (`proxy`), limits and the
// refusal are for the client that the header names; a balancer's own connection is served and counts as no session.
// When descriptors or memory run out it pauses, growing from 50 ms to 1 s, rather than spin.
// Thread-safety: all methods from any thread. The pool must outlive the listener.
#ifndef MAILMESH_COMMON_NET_LISTENER_H_
#define MAILMESH_COMMON_NET_LISTENER_H_

#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/net/awaitable.h"
#include "common/net/cidr.h"
#include "common/net/io_pool.h"
#include "common/net/listen_socket.h"
#include "common/net/proxy_accept.h"
#include "common/net/stream.h"

namespace mailmesh::net {

enum class RefusalReason { kMaxSessions, kMaxPerPeer };

struct ListenerOptions {
  std::string name = "listener";    // "mx", "imaps": for logs and metrics
  size_t max_sessions = 0;          // 0: no limit
  size_t max_sessions_per_peer = 0; // 0: no limit; an IPv6 peer is its /64; Unix sockets are not limited
  CidrSet exempt_peers{};             // from the limit per peer
  // The line to send before closing ("421 4.7.0 ...\r\n"); empty: just close (implicit TLS). It goes out without
  // waiting.
  std::function<std::string(RefusalReason)> refusal{};
  // Each connection begins with a PROXY header.
  std::optional<ProxyOptions> proxy{};
  // Told about each refusal and about accept errors (at most one a pause), from the accept thread; behind balancers about refusals
  // from any.
  std::function<void(RefusalReason, const SocketAddress& peer)> on_refused{};
  std::function<void(const absl::Status&)> on_error{};
};

class Listener {
 public:
  // Called on the session's thread; the coroutine is spawned there. It owns the stream.
  using Handler = std::function<Awaitable<void>(Stream)>;

  static std::unique_ptr<Listener> Start(ListenSocket socket, ListenerOptions options, IoPool& pool, Handler handler);
  ~Listener();  // Stop()

  // No connection is taken after it returns; connections() tells of those whose session has not begun yet. A bound socket is
  // closed, once its queue is empty; an inherited one stays with the supervisor, so that callers wait in its queue for the next
  // process and nobody is refused. Not from the handler's thread while it must not block.
  void Stop();

  const std::string& name() const;
  Endpoint endpoint() const;
  size_t sessions() const;
  // Sessions, and what may become one.
  size_t connections() const;
  uint64_t accepted() const;
  uint64_t refused() const;

 private:
  class Core;
  explicit Listener(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;  // shared with the accept loop and the permits of sessions
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_LISTENER_H_
