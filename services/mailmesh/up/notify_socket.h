// The supervisor's end of sd_notify(3): roles say on a datagram socket that they are ready, or need more time for it.
#ifndef MAILMESH_SERVICES_MAILMESH_UP_NOTIFY_SOCKET_H_
#define MAILMESH_SERVICES_MAILMESH_UP_NOTIFY_SOCKET_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>
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
  struct Message {
    pid_t process = 0;  // the kernel vouches for it
    bool ready = false;  // READY=1
    absl::Duration more_time;  // EXTEND_TIMEOUT_USEC, from now; zero where it asks for none
  };
  // The next one that is waiting. Nothing: no more messages.
  std::optional<Message> Next();

 private:
  explicit NotifySocket(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace mailmesh::up

#endif  // MAILMESH_SERVICES_MAILMESH_UP_NOTIFY_SOCKET_H_
