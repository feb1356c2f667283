#include "services/pop3_gateway/session.h"

#include <algorithm>
#include <chrono>

#include "absl/time/clock.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/pop3/replies.h"
#include "common/telemetry/log.h"

namespace mailmesh::pop3_gateway {
namespace {

namespace replies = pop3::replies;

constexpr uint32_t kMaxErrors = 20;
// Octets of a line that never ends, beyond which the session is ended.
constexpr uint64_t kMaxDroppedLine = 1 << 20;
// Replies are written when this much has gathered, whatever the client has pipelined.
constexpr size_t kFlushAbove = 64 * 1024;
// A client whose time is over may take this long to read why.
constexpr auto kLastWordTimeout = std::chrono::seconds(5);
// In a drain, a client on its way to QUIT may be silent for so long.
constexpr auto kDrainPatience = std::chrono::seconds(3);

}  // namespace

Session::Session(Gateway& gateway, net::Stream stream, bool implicit_tls)
    : gateway_(gateway),
      stream_(std::move(stream)),
      reader_(stream_),
      lines_(pop3::kMaxCommandLine),
      implicit_tls_(implicit_tls),
      session_id_(base::NewSessionId()),
      trace_(telemetry::Trace::New()),
      kicked_(std::make_shared<std::atomic<Kick>>(Kick::kNone)) {}

net::Awaitable<void> Session::Run() {
  service::SessionFacts facts;
  facts.session_id = session_id_;
  facts.protocol = "pop3";
  facts.peer_address = stream_.peer_address().ToString();
  facts.state = "auth";
  facts.start = absl::Now();
  facts.tls = implicit_tls_;
  const auto kick = [kicked = kicked_, handle = stream_.handle()](service::KickReason reason) {
    kicked->store(reason == service::KickReason::kDrain ? Kick::kDrain : Kick::kNow);
    handle.Interrupt();
    if (reason == service::KickReason::kOperator) handle.CancelAfter(service::kKickGrace);
  };
  entry_ = gateway_.sessions.Register(std::move(facts), kick);
  const telemetry::Gauge unauth = gateway_.metrics.sessions.With({"unauth"});
  unauth.Add();
  co_await Serve();
  (in_transaction() ? gateway_.metrics.sessions.With({"auth"}) : unauth).Subtract();
  // A session that ends without QUIT removes nothing (RFC 1939, 6).
  if (maildrop_ != nullptr) co_await maildrop_->Release();
  entry_ = {};
  if (lingers_) co_await stream_.Linger();
  stream_.Close();
}

net::Awaitable<void> Session::Serve() {
  // One limit for all that comes before log-in: a client that sends an octet now and then would stay for ever.
  login_limit_ = net::After(gateway_.login_timeout);
  stream_.ExpiresAt(login_limit_ + kLastWordTimeout);
  if (implicit_tls_) {
    bool secured = co_await Handshake();
    if (!secured) co_return;
  }
  Say(replies::kReady);
  for (;;) {
    std::optional<base::LineReader::Framed> framed = co_await NextLine();
    if (!framed.has_value()) co_return;
    Next next = co_await ServeLine(*framed);
    if (next == Next::kClose) break;
  }
  co_await Flush();
}

net::Awaitable<bool> Session::Handshake() {
  std::shared_ptr<const net::TlsServerContext> context = gateway_.tls;
  absl::Status status = co_await stream_.StartTlsServer(context);
  if (!status.ok()) telemetry::Debug("tls failed", {trace_, {"session_id", session_id_}, {"error", base::Message(status)}});
  co_return status.ok();
}

// Serves what is buffered; when nothing is, writes what has been said and waits.
net::Awaitable<std::optional<base::LineReader::Framed>> Session::NextLine() {
  for (;;) {
    base::LineReader::Framed framed = lines_.Next(reader_.data());
    reader_.Consume(framed.consumed);
    gateway_.metrics.bytes.At({0}).Increment(static_cast<double>(framed.consumed));
    if (framed.outcome != base::LineReader::Outcome::kNeedMore) co_return framed;
    if (lines_.dropped() > kMaxDroppedLine) {
      co_await SayLast(replies::kTooManyErrors);
      co_return std::nullopt;
    }
    bool more = co_await WaitForInput();
    if (!more) co_return std::nullopt;
  }
}

net::Awaitable<bool> Session::WaitForInput() {
  bool flushed = co_await Flush();
  if (!flushed) co_return false;
  const net::TimePoint limit = in_transaction() ? net::After(gateway_.idle_timeout) : login_limit_;
  for (;;) {
    const Kick kick = kicked_->load();
    // RFC 1939, 6: only QUIT removes what was marked, so a drain lets a client that is at work come to it.
    const bool finishes = kick == Kick::kDrain && in_transaction();
    if (kick != Kick::kNone && !finishes) co_return co_await SayLast(replies::kShuttingDown);
    net::Duration left = limit - net::Clock::now();
    if (finishes) left = std::min<net::Duration>(left, kDrainPatience);
    stream_.ExpiresAfter(std::max<net::Duration>(left, std::chrono::milliseconds(1)));
    absl::StatusOr<net::WaitResult> waited = co_await reader_.WaitReadable();
    stream_.ExpiresAfter(gateway_.idle_timeout);
    if (in_transaction() && maildrop_->lease_lost()) co_return co_await SayLast(replies::kInUse);
    if (waited.ok() && *waited == net::WaitResult::kReadable) break;
    if (waited.ok()) continue;
    if (!absl::IsDeadlineExceeded(waited.status())) co_return false;
    if (finishes) co_return co_await SayLast(replies::kShuttingDown);
    // RFC 1939, 3: the server closes without removing anything and without a reply; one reply hurts nobody and tells why.
    if (net::Clock::now() >= limit) co_return co_await SayLast(replies::kTimeout);
  }
  absl::StatusOr<size_t> filled = co_await reader_.Fill();
  co_return filled.ok() && *filled > 0;
}

net::Awaitable<bool> Session::SayLast(const pop3::CannedReply& reply) {
  Say(reply);
  co_await Flush();
  lingers_ = true;
  co_return false;
}

net::Awaitable<bool> Session::Flush() {
  if (out_.empty()) co_return true;
  stream_.ExpiresAfter(gateway_.idle_timeout);
  absl::Status status = co_await stream_.Write(out_);
  gateway_.metrics.bytes.At({1}).Increment(static_cast<double>(out_.size()));
  out_.clear();
  if (out_.capacity() > kFlushAbove) out_.shrink_to_fit();
  co_return status.ok();
}

void Session::Say(const pop3::CannedReply& reply) {
  pop3::AppendReply(reply, out_);
  last_ok_ = reply.ok;
}

Session::Next Session::SayAndGoOn(const pop3::CannedReply& reply) {
  Say(reply);
  return Next::kGoOn;
}

Session::Result Session::ServeLine(base::LineReader::Framed framed) {
  const auto start = net::Clock::now();
  pop3::Verb verb = pop3::Verb::kOther;
  Next next = Next::kGoOn;
  switch (framed.outcome) {
    case base::LineReader::Outcome::kTooLong:
      Say(replies::kLineTooLong);
      break;
    case base::LineReader::Outcome::kBareLf:
    case base::LineReader::Outcome::kBareCr:
      Say(replies::kBareLineEnding);
      break;
    case base::LineReader::Outcome::kNeedMore:
    case base::LineReader::Outcome::kLine: {
      pop3::ParsedCommand parsed = pop3::ParseCommand(framed.line);
      verb = parsed.verb;
      if (parsed.ok()) {
        next = co_await Execute(std::move(parsed.command()));
      } else {
        Say(parsed.error());
      }
      break;
    }
  }
  const std::chrono::duration<double> took = net::Clock::now() - start;
  gateway_.metrics.command_seconds.With({pop3::VerbName(verb), last_ok_ ? "ok" : "err"}).Observe(took.count());
  errors_ = last_ok_ ? 0 : errors_ + 1;
  if (errors_ >= kMaxErrors) {
    co_await SayLast(replies::kTooManyErrors);
    co_return Next::kClose;
  }
  if (out_.size() >= kFlushAbove) {
    bool flushed = co_await Flush();
    if (!flushed) co_return Next::kClose;
  }
  co_return next;
}

Session::Result Session::Execute(pop3::Command command) {
  // One level of visit; each handler is an overload of On().
  auto dispatch = [this](auto& typed) -> Result { return On(std::move(typed)); };
  Result result = std::visit(dispatch, command);
  co_return co_await std::move(result);
}

}  // namespace mailmesh::pop3_gateway
