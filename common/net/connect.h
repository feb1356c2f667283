// Outgoing connections. The stream lives on the executor of the coroutine that connects.
//
// Errors: Unavailable (refused, unreachable, name not found), DeadlineExceeded, InvalidArgument. With several
// addresses: the last one's.
#ifndef MAILMESH_COMMON_NET_CONNECT_H_
#define MAILMESH_COMMON_NET_CONNECT_H_

#include <absl/status/statusor.h>

#include <optional>
#include <vector>

#include "common/net/address.h"
#include "common/net/awaitable.h"
#include "common/net/endpoint.h"
#include "common/net/stream.h"

namespace mailmesh::net {

struct ConnectOptions {
  TimePoint deadline = kNever;                           // for all addresses together
  Duration per_address = std::chrono::seconds(30);       // for each of them
  std::optional<IpAddress> local_v4{};                   // bind to, when the remote is IPv4
  std::optional<IpAddress> local_v6{};                   // ... IPv6
};

// One address, IP or Unix path.
Awaitable<absl::StatusOr<Stream>> Connect(SocketAddress address, ConnectOptions options);
// The addresses in the order given, until one answers (RFC 5321, 5.1: the order is the caller's).
Awaitable<absl::StatusOr<Stream>> ConnectAny(std::vector<SocketAddress> addresses, ConnectOptions options);
// Where an endpoint can be connected to, in the order to be tried. Names are resolved by the system (/etc/hosts and all);
// whoever needs MX or DNSSEC resolves by common/dns.
Awaitable<absl::StatusOr<std::vector<SocketAddress>>> ResolveEndpoint(Endpoint endpoint, TimePoint deadline);
// ResolveEndpoint(), then ConnectAny().
Awaitable<absl::StatusOr<Stream>> ConnectEndpoint(Endpoint endpoint, ConnectOptions options);

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_CONNECT_H_
