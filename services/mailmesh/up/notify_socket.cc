#include "services/mailmesh/up/notify_socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"

namespace mailmesh::up {
namespace {

NotifySocket::Message Parse(absl::string_view text) {
  NotifySocket::Message message;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    uint32_t microseconds;  // more than an hour at a time is no request that is meant
    if (line == "READY=1") {
      message.ready = true;
    } else if (absl::ConsumePrefix(&line, "EXTEND_TIMEOUT_USEC=") && absl::SimpleAtoi(line, &microseconds)) {
      message.more_time = absl::Microseconds(microseconds);
    }
  }
  return message;
}

}  // namespace

absl::StatusOr<NotifySocket> NotifySocket::Open(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return absl::InvalidArgumentError("path too long: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return base::ErrnoStatus(errno, "socket");
  NotifySocket result(fd);
  unlink(path.c_str());
  const int on = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
      bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return base::ErrnoStatus(errno, path);
  }
  return result;
}

NotifySocket::~NotifySocket() {
  if (fd_ >= 0) close(fd_);
}

std::optional<NotifySocket::Message> NotifySocket::Next() {
  for (;;) {
    char text[4096];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
    iovec vector{text, sizeof(text)};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const ssize_t size = recvmsg(fd_, &message, MSG_CMSG_CLOEXEC);
    if (size < 0) return std::nullopt;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
        ucred sender;
        std::memcpy(&sender, CMSG_DATA(header), sizeof(sender));
        Message parsed = Parse(absl::string_view(text, static_cast<size_t>(size)));
        parsed.process = sender.pid;
        return parsed;
      }
    }
  }
}

}  // namespace mailmesh::up
