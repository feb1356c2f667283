#include "common/net/socket_io.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"

namespace mailmesh::net {
namespace {

bool WouldBlock(int error_number) { return error_number == EAGAIN || error_number == EWOULDBLOCK; }

void SetOption(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof(value)); }

IoStep ReceiveWith(int fd, std::span<char> into, int flags) {
  for (;;) {
    const ssize_t n = recv(fd, into.data(), into.size(), flags);
    if (n > 0) return IoStep::Done(static_cast<size_t>(n));
    if (n == 0) return IoStep::End();
    if (WouldBlock(errno)) return IoStep::WantRead();
    if (errno != EINTR) return IoStep::Failed(ConnectionError(errno, "reading"));
  }
}

}  // namespace

IoStep Receive(int fd, std::span<char> into) { return ReceiveWith(fd, into, 0); }
IoStep Peek(int fd, std::span<char> into) { return ReceiveWith(fd, into, MSG_PEEK); }

IoStep Peek(int fd) {
  char octet[1];
  return Peek(fd, octet);
}

IoStep Send(int fd, std::span<iovec> pieces) {
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  for (;;) {
    const ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
    if (n >= 0) return IoStep::Done(static_cast<size_t>(n));
    if (WouldBlock(errno)) return IoStep::WantWrite();
    if (errno != EINTR) return IoStep::Failed(ConnectionError(errno, "writing"));
  }
}

absl::Status ConnectionError(int error_number, std::string_view doing) {
  if (error_number == EBADF || error_number == ENOTSOCK || error_number == EFAULT) {
    return absl::InternalError(absl::StrCat(base::Av(doing), ": ", std::strerror(error_number)));
  }
  return absl::UnavailableError(absl::StrCat(base::Av(doing), ": ", std::strerror(error_number)));
}

void SetTcpOptions(int fd) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, 120);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, 30);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

SocketAddress LocalAddressOf(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return SocketAddress();
  return SocketAddress::FromNative(reinterpret_cast<sockaddr*>(&storage), size);
}

SocketAddress PeerAddressOf(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return SocketAddress();
  return SocketAddress::FromNative(reinterpret_cast<sockaddr*>(&storage), size);
}

}  // namespace mailmesh::net
