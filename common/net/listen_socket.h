// Listening sockets: inherited from a supervisor (LISTEN_FDS, as systemd and `mailmesh up` do) or bound here.
//
// Thread-safety: InheritedSockets from one thread, at start.
#ifndef MAILMESH_COMMON_NET_LISTEN_SOCKET_H_
#define MAILMESH_COMMON_NET_LISTEN_SOCKET_H_

#include <absl/status/statusor.h>
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/net/address.h"
#include "common/net/endpoint.h"

namespace mailmesh::net {

// Owns the descriptor; a Unix socket that was bound here is unlinked at the end, an inherited one is left alone.
class ListenSocket {
 public:
  static constexpr int kBacklog = 1024;

  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&& other) noexcept;
  ~ListenSocket();

  // Binds and listens. TCP: SO_REUSEADDR, and for "[::]" both families; the host must be an IP address or "localhost".
  // Unix: makes the last folder (0700) where it is missing, replaces a dead socket, refuses to take over a live one;
  // the socket gets `unix_mode`.
  static absl::StatusOr<ListenSocket> Bind(const Endpoint& endpoint, int backlog = kBacklog, mode_t unix_mode = 0600);
  // Checks that `fd` is a listening stream socket, makes it non-blocking and close-on-exec.
  static absl::StatusOr<ListenSocket> Adopt(int fd, std::string name);

  int fd() const { return fd_; }
  // Gives the descriptor away (to hand it down to a child, for example); nothing is unlinked.
  int Release();
  bool inherited() const { return inherited_; }
  const std::string& name() const { return name_; }  // of an inherited one
  const SocketAddress& address() const { return address_; }
  // With the port that the system chose.
  Endpoint endpoint() const;

 private:
  ListenSocket(int fd, bool inherited, std::string name, SocketAddress address);
  void Reset();

  int fd_;
  bool inherited_;
  std::string name_;
  SocketAddress address_;
  ino_t unix_inode_ = 0;
};

// The protocol of sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES, descriptors from 3 on.
class InheritedSockets {
 public:
  InheritedSockets() = default;
  // Reads the environment and removes the variables, so that no child believes them to be its own. Not for us (another
  // LISTEN_PID), or no variables: none. LISTEN_PID may be missing where LISTEN_FDS is not: a supervisor that forks
  // cannot know it early.
  static absl::StatusOr<InheritedSockets> FromEnvironment();

  // All sockets of that name (two for one name: IPv4 and IPv6), removed from here.
  std::vector<ListenSocket> Take(std::string_view name);
  // What nobody took: a configuration mistake worth a warning.
  std::vector<std::string> names() const;

 private:
  std::vector<ListenSocket> sockets_;
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_LISTEN_SOCKET_H_
