// The supervisor's end of sd_notify(3): roles say READY=1 on a datagram socket.
#ifndef MAILMESH_SERVICES_MAILMESH_UP_NOTIFY_SOCKET_H_
#define MAILMESH_SERVICES_MAILMESH_UP_NOTIFY_SOCKET_H_

#include <absl/status/statusor.h>
#include <sys/types.h>

#include <optional>
#include <string>

namespace mailmesh::up {

class NotifySocket {
 public:
  // `path` must fit into a socket address (107 octets).
  static absl::StatusOr<NotifySocket> Open(const std::string& path);
  NotifySocket(NotifySocket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  NotifySocket& operator=(NotifySocket&&) = delete;
  ~NotifySocket();

  int fd() const { return fd_; }
  // The process of the next READY=1 that is waiting; the kernel vouches for the sender. Nothing: no more messages.
  std::optional<pid_t> NextReady();

 private:
  explicit NotifySocket(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace mailmesh::up

#endif  // MAILMESH_SERVICES_MAILMESH_UP_NOTIFY_SOCKET_H_
