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

// A client that was refused may take this long to be told why; so many at a time may then be slow to notice.
constexpr Duration kRefusalTimeout = std::chrono::seconds(2);
constexpr size_t kMaxFarewells = 64;

// What the sessions of a listener share with it, and may need longer than it lives.
struct Door {
  Door(ListenerOptions given, Listener::Handler serve)
      : options(std::move(given)),
        handler(std::move(serve)),
        limits(std::make_shared<SessionLimits>(options.max_sessions, options.max_sessions_per_peer, options.exempt_peers)),
        headers(std::make_shared<SessionLimits>(options.max_sessions, 0, CidrSet())),
        farewells(std::make_shared<SessionLimits>(kMaxFarewells, 0, CidrSet())) {}

  std::string RefusalLine(RefusalReason reason) const { return options.refusal ? options.refusal(reason) : std::string(); }
  void NoteRefusal(RefusalReason reason, const SocketAddress& peer) {
    refused.fetch_add(1, std::memory_order_relaxed);
    if (options.on_refused) options.on_refused(reason, peer);
  }
  void NoteRejection(ProxyRejection reason, const SocketAddress& peer) const {
    if (options.proxy->on_rejected) options.proxy->on_rejected(reason, peer);
  }

  const ListenerOptions options;
  const Listener::Handler handler;
  const std::shared_ptr<SessionLimits> limits;   // shared with the permits of sessions
  const std::shared_ptr<SessionLimits> headers;  // of those whose header is awaited, and of balancers' own: shared likewise
  // Of clients that are refused behind their header: apart, so that however many they are, headers are awaited. Shared likewise.
  const std::shared_ptr<SessionLimits> farewells;
  std::atomic<uint64_t> accepted{0};
  std::atomic<uint64_t> refused{0};
};
using DoorPtr = std::shared_ptr<Door>;

// Runs on the session's thread. The descriptor becomes a Stream only here, where it will live.
Awaitable<void> Serve(DoorPtr door, Executor home, UniqueFd fd, SessionLimits::Permit permit) {
  Stream stream(std::move(home), fd.Release());
  stream.Attach(std::move(permit));
  Awaitable<void> session = door->handler(std::move(stream));
  co_await std::move(session);
}

// All octets so far were the balancer's: the client may have sent some behind them, over which a close at once takes the line along.
Awaitable<void> SayAndClose(Stream* stream, std::string line, bool linger) {
  if (line.empty()) co_return;
  stream->ExpiresAt(After(kRefusalTimeout));
  const absl::Status said = co_await stream->Write(line);
  if (said.ok() && linger) co_await stream->Linger();
}

Awaitable<void> ServeProxied(DoorPtr door, Executor home, UniqueFd fd, SocketAddress balancer, SessionLimits::Permit permit) {
  Stream stream(std::move(home), fd.Release());
  const std::variant<ProxyOrigin, ProxyRejection> origin =
      co_await AcceptProxyHeader(&stream, door->options.proxy->header_timeout);
  if (const auto* rejection = std::get_if<ProxyRejection>(&origin)) {
    door->NoteRejection(*rejection, balancer);
    co_return;
  }
  if (std::get<ProxyOrigin>(origin) == ProxyOrigin::kBalancer) {
    if (door->options.proxy->on_check) door->options.proxy->on_check();
  } else {
    std::variant<SessionLimits::Permit, RefusalReason> admitted = door->limits->Admit(stream.peer_address());
    if (const auto* reason = std::get_if<RefusalReason>(&admitted)) {
      door->NoteRefusal(*reason, stream.peer_address());
      std::variant<SessionLimits::Permit, RefusalReason> farewell = door->farewells->Admit(balancer);
      const bool linger = std::holds_alternative<SessionLimits::Permit>(farewell);
      if (linger) permit = std::get<SessionLimits::Permit>(std::move(farewell));
      co_await SayAndClose(&stream, door->RefusalLine(*reason), linger);
      co_return;
    }
    door->accepted.fetch_add(1, std::memory_order_relaxed);
    permit = std::get<SessionLimits::Permit>(std::move(admitted));
  }
  stream.Attach(std::move(permit));
  Awaitable<void> session = door->handler(std::move(stream));
  co_await std::move(session);
}

}  // namespace

class Listener::Core : public std::enable_shared_from_this<Listener::Core> {
 public:
  Core(ListenSocket socket, ListenerOptions options, IoPool& pool, Handler handler)
      : door_(std::make_shared<Door>(std::move(options), std::move(handler))),
        endpoint_(socket.endpoint()),
        pool_(pool),
        home_(pool.Next()),
        executor_(home_.get_executor()),
        socket_(std::move(socket)),
        descriptor_(executor_),
        pause_(executor_) {}

  static Awaitable<void> Run(std::shared_ptr<Core> core) { co_await core->AcceptLoop(); }

  const Executor& executor() const { return executor_; }
  bool pool_ended() const { return home_.stopped(); }
  const std::string& name() const { return door_->options.name; }
  const Endpoint& endpoint() const { return endpoint_; }
  const Door& door() const { return *door_; }

  void StopHere() {
    if (stopped_) return;
    if (!socket_.inherited() && !pool_ended()) TakeQueued();
    stopped_ = true;
    pause_.cancel();
    // Asio lets go of it; the owner closes it, which for an inherited socket closes only this process's copy.
    if (descriptor_.is_open()) descriptor_.release();
    ListenSocket closed = std::move(socket_);
  }

 private:
  enum class Accepted { kOne, kNone, kExhausted };

  // Who waits in the queue would be reset by closing the socket. As a queue is long at most: more may come all the while.
  void TakeQueued() {
    for (int i = 0; i < ListenSocket::kBacklog / kBatch && AcceptSome() == Accepted::kOne; ++i) {
    }
  }

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

  static constexpr int kBatch = 16;

  Accepted AcceptSome() {
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
    if (door_->options.proxy.has_value()) {
      AwaitHeader(UniqueFd(fd), peer);
      return;
    }
    std::variant<SessionLimits::Permit, RefusalReason> admitted = door_->limits->Admit(peer);
    if (const auto* reason = std::get_if<RefusalReason>(&admitted)) {
      Refuse(fd, *reason, peer);
      return;
    }
    door_->accepted.fetch_add(1, std::memory_order_relaxed);
    asio::io_context& home = pool_.Next();
    Spawn(home.get_executor(),
          Serve(door_, home.get_executor(), UniqueFd(fd), std::get<SessionLimits::Permit>(std::move(admitted))), "session");
  }

  void AwaitHeader(UniqueFd fd, const SocketAddress& peer) {
    if (!door_->options.proxy->balancers.Contains(peer)) {
      door_->NoteRejection(ProxyRejection::kUntrusted, peer);
      return;
    }
    std::variant<SessionLimits::Permit, RefusalReason> admitted = door_->headers->Admit(peer);
    if (!std::holds_alternative<SessionLimits::Permit>(admitted)) {
      door_->NoteRejection(ProxyRejection::kBusy, peer);
      return;
    }
    asio::io_context& home = pool_.Next();
    Spawn(home.get_executor(),
          ServeProxied(door_, home.get_executor(), std::move(fd), peer, std::get<SessionLimits::Permit>(std::move(admitted))),
          "session");
  }

  void Refuse(int fd, RefusalReason reason, const SocketAddress& peer) {
    const std::string line = door_->RefusalLine(reason);
    // The send buffer of a new connection is empty: it takes a line at once or the peer is gone.
    if (!line.empty()) (void)send(fd, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
    door_->NoteRefusal(reason, peer);
  }

  void Complain(const absl::Status& status) {
    if (door_->options.on_error) door_->options.on_error(status);
  }

  const DoorPtr door_;  // shared with the sessions, which may live longer than the listener
  const Endpoint endpoint_;
  IoPool& pool_;
  asio::io_context& home_;
  const Executor executor_;
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
size_t Listener::sessions() const { return core_->door().limits->sessions(); }
size_t Listener::connections() const {
  // In this order: one that goes from the header to its session is counted twice rather than not at all.
  const size_t waiting = core_->door().headers->sessions();
  return waiting + core_->door().farewells->sessions() + sessions();
}
uint64_t Listener::accepted() const { return core_->door().accepted.load(std::memory_order_relaxed); }
uint64_t Listener::refused() const { return core_->door().refused.load(std::memory_order_relaxed); }

}  // namespace mailmesh::net
