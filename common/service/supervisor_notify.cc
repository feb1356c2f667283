#include "common/service/supervisor_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "absl/strings/numbers.h"
#include "common/telemetry/log.h"

namespace mailmesh::service {
namespace {

std::string TakeVariable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  unsetenv(name);
  return text;
}

}  // namespace

SupervisorNotify SupervisorNotify::FromEnvironment() {
  std::string path = TakeVariable("NOTIFY_SOCKET");
  const std::string microseconds = TakeVariable("WATCHDOG_USEC");
  const std::string process = TakeVariable("WATCHDOG_PID");
  absl::Duration watchdog = absl::InfiniteDuration();
  int64_t value;
  int64_t pid;
  const bool for_us = process.empty() || (absl::SimpleAtoi(process, &pid) && pid == getpid());
  if (for_us && absl::SimpleAtoi(microseconds, &value) && value > 0) watchdog = absl::Microseconds(value);
  return SupervisorNotify(std::move(path), watchdog);
}

void SupervisorNotify::Send(std::string_view state) const {
  if (socket_path_.empty()) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path_.size() >= sizeof(address.sun_path)) {
    telemetry::Warning("notify socket's path is too long", {{"path", socket_path_}});
    return;
  }
  std::memcpy(address.sun_path, socket_path_.data(), socket_path_.size());
  // unix(7): a name in the abstract namespace is written with "@" for its first octet, zero.
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path_.size());
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  if (sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), size) < 0) {
    telemetry::Warning("supervisor cannot be notified", {{"path", socket_path_}, {"error", std::strerror(errno)}});
  }
  close(fd);
}

}  // namespace mailmesh::service
