#include "common/net/listener.h"

#include <absl/synchronization/notification.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <asio/dispatch.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <atomic>
#include <cerrno>
#include <utility>
#include <variant>

#include "common/base/status.h"
#include "common/net/session_limits.h"
#include "common/net/sleep.h"
#include "common/net/socket_io.h"
#include "common/net/spawn.h"
#include "common/net/unique_fd.h"

namespace mailmesh::net {
namespace {

// Errors of one connection, not of the listener (accept(2): "should detect them and treat them like EAGAIN").
bool ConcernsOneConnection(int error_number) {
  switch (error_number) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

}  // namespace

class Listener::Core : public std::enable_shared_from_this<Listener::Core> {
 public:
  Core(ListenSocket socket, ListenerOptions options, IoPool& pool, Handler handler)
      : options_(std::move(options)),
        endpoint_(socket.endpoint()),
        pool_(pool),
        home_(pool.Next()),
        executor_(home_.get_executor()),
        handler_(std::make_shared<const Handler>(std::move(handler))),
        limits_(std::make_shared<SessionLimits>(options_.max_sessions, options_.max_sessions_per_peer,
                                                options_.exempt_peers)),
        socket_(std::move(socket)),
        descriptor_(executor_),
        pause_(executor_) {}

  static Awaitable<void> Run(std::shared_ptr<Core> core) { co_await core->AcceptLoop(); }

  const Executor& executor() const { return executor_; }
  bool pool_ended() const { return home_.stopped(); }
  const std::string& name() const { return options_.name; }
  const Endpoint& endpoint() const { return endpoint_; }
  size_t sessions() const { return limits_->sessions(); }
  uint64_t accepted() const { return accepted_.load(std::memory_order_relaxed); }
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

  void StopHere() {
    if (std::exchange(stopped_, true)) return;
    pause_.cancel();
    // Asio lets go of it; the owner closes it, which for an inherited socket closes only this process's copy.
    if (descriptor_.is_open()) descriptor_.release();
    ListenSocket closed = std::move(socket_);
  }

 private:
  enum class Accepted { kOne, kNone, kExhausted };

  Awaitable<void> AcceptLoop() {
    asio::error_code error;
    if (stopped_) co_return;
    descriptor_.assign(socket_.fd(), error);
    if (error) {
      Complain(absl::InternalError("watching the listening socket: " + error.message()));
      co_return;
    }
    constexpr Duration kFirstPause = std::chrono::milliseconds(50);
    constexpr Duration kLongestPause = std::chrono::seconds(1);
    Duration pause = kFirstPause;
    while (!stopped_) {
      Accepted result = AcceptSome();
      if (result == Accepted::kOne) {
        // A batch was taken and there may be more; the sessions of this thread come first.
        pause = kFirstPause;
        co_await Yield();
      } else if (result == Accepted::kNone) {
        pause = kFirstPause;
        co_await descriptor_.async_wait(asio::posix::descriptor_base::wait_read,
                                        asio::redirect_error(asio::use_awaitable, error));
      } else {
        // The descriptor stays readable, so that waiting for it would spin.
        pause_.expires_after(pause);
        co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, error));
        pause = std::min(pause * 2, kLongestPause);
      }
    }
  }

  Accepted AcceptSome() {
    constexpr int kBatch = 16;
    for (int i = 0; i < kBatch; ++i) {
      sockaddr_storage storage;
      socklen_t size = sizeof(storage);
      const int fd =
          accept4(socket_.fd(), reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        Admit(fd, SocketAddress::FromNative(reinterpret_cast<sockaddr*>(&storage), size));
        if (stopped_) return Accepted::kNone;  // a hook did that
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) return Accepted::kNone;
      if (ConcernsOneConnection(errno)) continue;
      Complain(base::ErrnoStatus(errno, "accepting a connection"));
      return Accepted::kExhausted;
    }
    return Accepted::kOne;
  }

  void Admit(int fd, SocketAddress peer) {
    std::variant<SessionLimits::Permit, RefusalReason> admitted = limits_->Admit(peer);
    if (const auto* reason = std::get_if<RefusalReason>(&admitted)) {
      Refuse(fd, *reason, peer);
      return;
    }
    accepted_.fetch_add(1, std::memory_order_relaxed);
    asio::io_context& home = pool_.Next();
    Spawn(home.get_executor(),
          Serve(handler_, home.get_executor(), UniqueFd(fd), std::get<SessionLimits::Permit>(std::move(admitted))),
          "session");
  }

  // Runs on the session's thread. The descriptor becomes a Stream only here, where it will live.
  static Awaitable<void> Serve(std::shared_ptr<const Handler> handler, Executor home, UniqueFd fd,
                               SessionLimits::Permit permit) {
    Stream stream(std::move(home), fd.Release());
    stream.Attach(std::move(permit));
    Awaitable<void> session = (*handler)(std::move(stream));
    co_await std::move(session);
  }

  void Refuse(int fd, RefusalReason reason, const SocketAddress& peer) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    const std::string line = options_.refusal ? options_.refusal(reason) : std::string();
    // The send buffer of a new connection is empty: it takes a line at once or the peer is gone.
    if (!line.empty()) (void)send(fd, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
    if (options_.on_refused) options_.on_refused(reason, peer);
  }

  void Complain(const absl::Status& status) {
    if (options_.on_error) options_.on_error(status);
  }

  const ListenerOptions options_;
  const Endpoint endpoint_;
  IoPool& pool_;
  asio::io_context& home_;
  const Executor executor_;
  const std::shared_ptr<const Handler> handler_;  // shared with the sessions, which may live longer than the listener
  const std::shared_ptr<SessionLimits> limits_;  // shared with the permits of sessions
  std::atomic<uint64_t> accepted_{0};
  std::atomic<uint64_t> refused_{0};
  // On executor_ only:
  ListenSocket socket_;
  asio::posix::stream_descriptor descriptor_;  // watches the descriptor that socket_ owns
  asio::steady_timer pause_;
  bool stopped_ = false;
};

Listener::Listener(std::shared_ptr<Core> core) : core_(std::move(core)) {}
Listener::~Listener() { Stop(); }

std::unique_ptr<Listener> Listener::Start(ListenSocket socket, ListenerOptions options, IoPool& pool,
                                          Handler handler) {
  auto core = std::make_shared<Core>(std::move(socket), std::move(options), pool, std::move(handler));
  Spawn(core->executor(), Core::Run(core), "listener");
  return std::unique_ptr<Listener>(new Listener(std::move(core)));
}

void Listener::Stop() {
  if (core_->pool_ended()) {
    core_->StopHere();  // nobody is left to race with, or to do it for us
    return;
  }
  auto done = std::make_shared<absl::Notification>();
  asio::dispatch(core_->executor(), [core = core_, done] {
    core->StopHere();
    done->Notify();
  });
  done->WaitForNotificationWithTimeout(absl::Seconds(5));
}

const std::string& Listener::name() const { return core_->name(); }
Endpoint Listener::endpoint() const { return core_->endpoint(); }
size_t Listener::sessions() const { return core_->sessions(); }
uint64_t Listener::accepted() const { return core_->accepted(); }
uint64_t Listener::refused() const { return core_->refused(); }

}  // namespace mailmesh::net
