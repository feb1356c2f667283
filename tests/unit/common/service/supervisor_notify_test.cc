#include "common/service/supervisor_notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace mailmesh::service {
namespace {

// The supervisor's end, in the abstract namespace.
class NotifySocket {
 public:
  NotifySocket() : name_(absl::StrCat("@mailmesh-notify-test-", getpid())) {
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name_.data(), name_.size());
    address.sun_path[0] = '\0';
    bound_ = bind(fd_, reinterpret_cast<sockaddr*>(&address),
                  static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size())) == 0;
  }
  ~NotifySocket() { close(fd_); }
  std::string Next() const {
    char buffer[256];
    const ssize_t n = recv(fd_, buffer, sizeof(buffer), MSG_DONTWAIT);
    return n < 0 ? "" : std::string(buffer, static_cast<size_t>(n));
  }
  bool bound() const { return bound_; }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  int fd_;
  bool bound_;
};

TEST(SupervisorNotifyTest, SpeaksToTheSocket) {
  const NotifySocket socket;
  ASSERT_TRUE(socket.bound());
  setenv("NOTIFY_SOCKET", socket.name().c_str(), 1);
  setenv("WATCHDOG_USEC", "3000000", 1);
  const SupervisorNotify notify = SupervisorNotify::FromEnvironment();
  EXPECT_EQ(getenv("NOTIFY_SOCKET"), nullptr);
  EXPECT_EQ(getenv("WATCHDOG_USEC"), nullptr);
  EXPECT_EQ(notify.watchdog(), absl::Seconds(3));
  notify.Starting();
  EXPECT_EQ(socket.Next(), "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=starting");
  notify.Ready();
  EXPECT_EQ(socket.Next(), "READY=1\nSTATUS=serving");
  notify.Alive();
  EXPECT_EQ(socket.Next(), "WATCHDOG=1");
  notify.Stopping();
  EXPECT_EQ(socket.Next(), "STOPPING=1\nSTATUS=draining");
}

TEST(SupervisorNotifyTest, WithoutASupervisorNothingHappens) {
  const SupervisorNotify notify = SupervisorNotify::FromEnvironment();
  EXPECT_EQ(notify.watchdog(), absl::InfiniteDuration());
  notify.Ready();
}

TEST(SupervisorNotifyTest, AWatchdogForAnotherProcessIsNotOurs) {
  setenv("WATCHDOG_USEC", "3000000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(SupervisorNotify::FromEnvironment().watchdog(), absl::InfiniteDuration());
}

}  // namespace
}  // namespace mailmesh::service
