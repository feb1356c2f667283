// Connecting that does not come to its end.
#include "common/net/connect.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <cerrno>
#include <optional>

#include "common/net/unique_fd.h"

namespace {
// Descriptors that were closed though they were not open: a second close may hit somebody else's.
std::atomic<int> bad_closes{0};
}  // namespace

// In the place of the C library's, for all of this program.
extern "C" int close(int fd) {
  const long result = syscall(SYS_close, fd);
  if (result != 0 && errno == EBADF) ++bad_closes;
  return static_cast<int>(result);
}

namespace mailmesh::net {
namespace {

// Listens and takes nobody: once its queue is full, whoever connects waits.
class FullServer {
 public:
  FullServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(listener_.get(), 0), 0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    for (UniqueFd& queued : queued_) {
      queued = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      connect(queued.get(), reinterpret_cast<sockaddr*>(&address), size);
    }
    port_ = ntohs(address.sin_port);
  }
  SocketAddress address() const { return SocketAddress(*IpAddress::Parse("127.0.0.1"), port_); }

 private:
  UniqueFd listener_;
  UniqueFd queued_[4];
  uint16_t port_ = 0;
};

Awaitable<void> ConnectTo(SocketAddress address, std::optional<absl::Status>* result, Duration limit) {
  ConnectOptions options;
  options.per_address = limit;
  options.deadline = After(limit);
  absl::StatusOr<Stream> stream = co_await Connect(address, options);
  *result = stream.status();
}

TEST(Connect, DestroyedInTheMiddleItClosesItsDescriptorOnce) {
  FullServer server;
  std::optional<absl::Status> result;
  bad_closes = 0;
  {
    asio::io_context context;
    asio::co_spawn(context, ConnectTo(server.address(), &result, std::chrono::minutes(1)), asio::detached);
    context.poll();
    ASSERT_FALSE(result.has_value()) << *result;
  }
  EXPECT_EQ(bad_closes, 0);
}

TEST(Connect, TakesNoLongerThanItMay) {
  FullServer server;
  std::optional<absl::Status> result;
  bad_closes = 0;
  {
    asio::io_context context;
    asio::co_spawn(context, ConnectTo(server.address(), &result, std::chrono::milliseconds(50)), asio::detached);
    context.run();
  }
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(absl::IsDeadlineExceeded(*result)) << *result;
  EXPECT_EQ(bad_closes, 0);
}

}  // namespace
}  // namespace mailmesh::net
