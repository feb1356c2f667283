// One attempt to move octets over a non-blocking socket. Private to common/net.
#ifndef MAILMESH_COMMON_NET_SOCKET_IO_H_
#define MAILMESH_COMMON_NET_SOCKET_IO_H_

#include <absl/status/status.h>
#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "common/net/address.h"

namespace mailmesh::net {

// What an attempt came to, on the plain socket and on TLS alike.
struct IoStep {
  enum class Kind { kDone, kWantRead, kWantWrite, kEnd, kFailed };
  Kind kind = Kind::kDone;
  size_t octets = 0;
  absl::Status error;

  static IoStep Done(size_t octets) { return {Kind::kDone, octets, absl::OkStatus()}; }
  static IoStep WantRead() { return {Kind::kWantRead, 0, absl::OkStatus()}; }
  static IoStep WantWrite() { return {Kind::kWantWrite, 0, absl::OkStatus()}; }
  static IoStep End() { return {Kind::kEnd, 0, absl::OkStatus()}; }
  static IoStep Failed(absl::Status error) { return {Kind::kFailed, 0, std::move(error)}; }
};

IoStep Receive(int fd, std::span<char> into);
// As Receive, but what is there stays there.
IoStep Peek(int fd, std::span<char> into);
// Is something there to be received? Done(1), WantRead, End or Failed.
IoStep Peek(int fd);
IoStep Send(int fd, std::span<iovec> pieces);

// Whatever breaks a connection is Unavailable: somebody else may be reached, or the same peer later.
absl::Status ConnectionError(int error_number, std::string_view doing);

// For TCP sockets, harmless for others: no delay (each reply is written in one piece already), keepalive so that load
// balancers with short memory do not forget an idle connection and dead peers are noticed within four minutes.
void SetTcpOptions(int fd);

SocketAddress LocalAddressOf(int fd);
SocketAddress PeerAddressOf(int fd);

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_SOCKET_IO_H_
