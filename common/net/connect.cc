#include "common/net/connect.h"

#include <absl/strings/str_cat.h>
#include <sys/socket.h>

#include <algorithm>
#include <asio/ip/tcp.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "common/base/status.h"
#include "common/net/event.h"
#include "common/net/socket_io.h"
#include "common/net/unique_fd.h"
#include "common/net/unix_path.h"

namespace mailmesh::net {
namespace {

absl::Status ConnectError(int error_number, const SocketAddress& address) {
  return ConnectionError(error_number, absl::StrCat("connecting to ", address.ToString()));
}

absl::StatusOr<UniqueFd> NewSocket(const SocketAddress& address, const ConnectOptions& options) {
  const int family = address.is_unix() ? AF_UNIX : address.ip().is_v4() ? AF_INET : AF_INET6;
  UniqueFd fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ConnectError(errno, address);
  const std::optional<IpAddress>& from = family == AF_INET ? options.local_v4 : options.local_v6;
  if (family == AF_UNIX || !from.has_value()) return fd;
  sockaddr_storage storage;
  const socklen_t size = SocketAddress(*from, 0).ToNative(&storage);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) {
    return ConnectionError(errno, absl::StrCat("binding to ", from->ToString()));
  }
  return fd;
}

// Ok: connected; Unavailable with EINPROGRESS is told by `pending`.
absl::Status StartConnecting(int fd, const SocketAddress& address, bool* pending) {
  *pending = false;
  sockaddr_storage storage;
  socklen_t size;
  std::optional<UnixPath> path;
  if (address.is_unix()) {
    absl::StatusOr<UnixPath> opened = UnixPath::Open(address.path());
    if (!opened.ok()) return absl::UnavailableError(opened.status().message());
    path.emplace(*std::move(opened));
    size = path->ToNative(&storage);
  } else {
    size = address.ToNative(&storage);
  }
  if (connect(fd, reinterpret_cast<sockaddr*>(&storage), size) == 0) return absl::OkStatus();
  if (errno != EINPROGRESS) return ConnectError(errno, address);
  *pending = true;
  return absl::OkStatus();
}

// A descriptor that Asio has on loan: it goes back open, also where the coroutine is destroyed in the middle of its wait.
class Lent {
 public:
  explicit Lent(const Executor& executor) : descriptor_(executor) {}
  ~Lent() {
    if (descriptor_.is_open()) descriptor_.release();
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  asio::posix::stream_descriptor& operator*() { return descriptor_; }

 private:
  asio::posix::stream_descriptor descriptor_;
};

// Lends the descriptor to Asio for one wait, with a deadline.
Awaitable<absl::Status> WaitConnected(int fd, TimePoint deadline) {
  Executor executor = co_await asio::this_coro::executor;
  // Shared with the handler of the wait, which comes also when the deadline was first.
  auto event = std::make_shared<Event>(executor);
  Lent lent(executor);
  asio::posix::stream_descriptor& descriptor = *lent;
  asio::error_code error;
  descriptor.assign(fd, error);
  if (error) co_return absl::InternalError("watching a socket: " + error.message());
  descriptor.async_wait(asio::posix::descriptor_base::wait_write,
                        [event](const asio::error_code&) { event->Notify(); });
  co_return co_await event->Wait(deadline);
}

Awaitable<absl::Status> FinishConnecting(int fd, SocketAddress address, TimePoint deadline) {
  absl::Status waited = co_await WaitConnected(fd, deadline);
  if (absl::IsDeadlineExceeded(waited)) {
    co_return absl::DeadlineExceededError(absl::StrCat("connecting to ", address.ToString(), " took too long"));
  }
  if (!waited.ok()) co_return waited;
  int error_number = 0;
  socklen_t size = sizeof(error_number);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &size) != 0) error_number = errno;
  if (error_number != 0) co_return ConnectError(error_number, address);
  co_return absl::OkStatus();
}

// What getaddrinfo found; shared with its completion, which comes late when nobody waits any more.
struct Lookup {
  explicit Lookup(const Executor& executor) : resolver(executor), done(executor) {}
  asio::ip::tcp::resolver resolver;
  Event done;
  absl::Status status;
  std::vector<SocketAddress> addresses;
};

Awaitable<absl::StatusOr<std::vector<SocketAddress>>> ResolveBySystem(Endpoint endpoint, TimePoint deadline) {
  Executor executor = co_await asio::this_coro::executor;
  auto lookup = std::make_shared<Lookup>(executor);
  lookup->resolver.async_resolve(
      endpoint.host(), std::to_string(endpoint.port()), asio::ip::resolver_base::numeric_service,
      [lookup](const asio::error_code& error, asio::ip::tcp::resolver::results_type results) {
        if (error) lookup->status = absl::UnavailableError(error.message());
        for (const auto& entry : results) {
          const auto native = entry.endpoint();
          lookup->addresses.push_back(
              SocketAddress::FromNative(native.data(), static_cast<socklen_t>(native.size())));
        }
        lookup->done.Notify();
      });
  absl::Status status = co_await lookup->done.Wait(deadline);
  if (status.ok()) status = lookup->status;
  if (!status.ok()) co_return base::Annotate(status, "looking up " + endpoint.host());
  co_return lookup->addresses;
}

}  // namespace

Awaitable<absl::StatusOr<Stream>> Connect(SocketAddress address, ConnectOptions options) {
  absl::StatusOr<UniqueFd> fd = NewSocket(address, options);
  if (!fd.ok()) co_return fd.status();
  bool pending = false;
  absl::Status status = StartConnecting(fd->get(), address, &pending);
  if (status.ok() && pending) {
    const TimePoint deadline = std::min(options.deadline, After(options.per_address));
    status = co_await FinishConnecting(fd->get(), address, deadline);
  }
  if (!status.ok()) co_return status;
  Executor executor = co_await asio::this_coro::executor;
  co_return Stream(std::move(executor), fd->Release());
}

Awaitable<absl::StatusOr<Stream>> ConnectAny(std::vector<SocketAddress> addresses, ConnectOptions options) {
  absl::Status last = absl::UnavailableError("there is no address to connect to");
  for (const SocketAddress& address : addresses) {
    if (Clock::now() >= options.deadline) {
      co_return absl::DeadlineExceededError("the time for connecting is over; last: " + last.ToString());
    }
    absl::StatusOr<Stream> stream = co_await Connect(address, options);
    if (stream.ok()) co_return stream;
    last = stream.status();
  }
  co_return last;
}

Awaitable<absl::StatusOr<std::vector<SocketAddress>>> ResolveEndpoint(Endpoint endpoint, TimePoint deadline) {
  if (endpoint.is_unix()) co_return std::vector<SocketAddress>(1, SocketAddress::Unix(endpoint.path()));
  const std::optional<IpAddress> ip = endpoint.ip();
  if (ip.has_value()) co_return std::vector<SocketAddress>(1, SocketAddress(*ip, endpoint.port()));
  co_return co_await ResolveBySystem(std::move(endpoint), deadline);
}

Awaitable<absl::StatusOr<Stream>> ConnectEndpoint(Endpoint endpoint, ConnectOptions options) {
  absl::StatusOr<std::vector<SocketAddress>> addresses = co_await ResolveEndpoint(std::move(endpoint), options.deadline);
  if (!addresses.ok()) co_return addresses.status();
  co_return co_await ConnectAny(*std::move(addresses), options);
}

}  // namespace mailmesh::net
