// What a listener for load balancers does with a connection before it is a session: it reads the PROXY header (proxy_header.h).
//
// The client's address becomes the stream's peer, and nothing else is taken from the header. A balancer's own connection (LOCAL) is
// nobody's: its peer is no address at all (IsNobody), never the balancer's, which may be loopback.
// Thread-safety: functions only.
#ifndef MAILMESH_COMMON_NET_PROXY_ACCEPT_H_
#define MAILMESH_COMMON_NET_PROXY_ACCEPT_H_

#include <array>
#include <chrono>
#include <functional>
#include <string_view>
#include <variant>

#include "common/net/address.h"
#include "common/net/awaitable.h"
#include "common/net/cidr.h"
#include "common/net/stream.h"

namespace mailmesh::net {

// Why a connection was closed before it was a session.
enum class ProxyRejection {
  kUntrusted,  // from an address that is no balancer's
  kMalformed,  // no PROXY header, or a broken one
  kNoAddress,  // a header that names no client
  kBadSource,     // one that names a client that there cannot be: loopback
  kTimeout,    // no whole header in time
  kClosed,     // ended before it
  kBusy,       // too many others are waited for
};
inline constexpr std::array<std::string_view, 7> kProxyRejectionNames = {"untrusted", "malformed", "no_address", "bad_source",
                                                                         "timeout",   "closed",    "busy"};

struct ProxyOptions {
  CidrSet balancers;  // who may send a header; all others are closed
  Duration header_timeout = std::chrono::seconds(5);
  // Told of each connection that was closed, and of each one of a balancer itself. From any thread.
  std::function<void(ProxyRejection, const SocketAddress& peer)> on_rejected{};
  std::function<void()> on_check{};
};

// Whose connection it is.
enum class ProxyOrigin { kClient, kBalancer };

// Whether the peer is nobody: a connection that a balancer has made for itself. No header can name such a client.
inline bool IsNobody(const SocketAddress& peer) { return peer.is_ip() && peer.ip().is_unspecified(); }

// Reads the header and nothing after it, and gives the stream its peer. The stream outlives the call.
Awaitable<std::variant<ProxyOrigin, ProxyRejection>> AcceptProxyHeader(Stream* stream, Duration timeout);

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_PROXY_ACCEPT_H_
