#include "services/imap_gateway/session.h"

#include <chrono>

#include "absl/time/clock.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/net/sleep.h"
#include "common/telemetry/log.h"
#include "services/imap_gateway/session_limits.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

using imap::Code;
using imap::CommandReader;
using imap::Condition;
using imap::Verb;

// Commands in a row that were no commands.
constexpr uint32_t kMaxErrors = 20;
// mailbox.v1: the store takes a tree of 1,000 nodes.
constexpr size_t kMaxSearchKeys = 1000;

enum class Needs { kNothing, kNotLoggedIn, kLoggedIn, kSelected };

Needs NeedsOf(Verb verb) {
  switch (verb) {
    case Verb::kUnknown:
    case Verb::kCapability:
    case Verb::kNoop:
    case Verb::kLogout:
    case Verb::kId:
    case Verb::kUid:
    case Verb::kCount:
      return Needs::kNothing;
    case Verb::kStartTls:
    case Verb::kAuthenticate:
    case Verb::kLogin:
      return Needs::kNotLoggedIn;
    case Verb::kCheck:
    case Verb::kClose:
    case Verb::kCopy:
    case Verb::kExpunge:
    case Verb::kFetch:
    case Verb::kMove:
    case Verb::kSearch:
    case Verb::kSort:
    case Verb::kStore:
    case Verb::kThread:
    case Verb::kUnselect:
      return Needs::kSelected;
    case Verb::kAppend:
    case Verb::kCreate:
    case Verb::kDelete:
    case Verb::kEnable:
    case Verb::kExamine:
    case Verb::kGetQuota:
    case Verb::kGetQuotaRoot:
    case Verb::kIdle:
    case Verb::kList:
    case Verb::kLsub:
    case Verb::kNamespace:
    case Verb::kRename:
    case Verb::kSelect:
    case Verb::kSetQuota:
    case Verb::kStatus:
    case Verb::kSubscribe:
    case Verb::kUnsubscribe:
      return Needs::kLoggedIn;
  }
  return Needs::kLoggedIn;
}

// RFC 3501, 7.4.1: no EXPUNGE while FETCH, STORE or SEARCH is being answered; with UID commands it may be told.
bool MayExpunge(Verb verb, bool uid) {
  return uid || (verb != Verb::kFetch && verb != Verb::kStore && verb != Verb::kSearch && verb != Verb::kSort &&
                 verb != Verb::kThread);
}

// Index of the label `status` of metrics.cc.
size_t StatusIndex(Condition condition) {
  switch (condition) {
    case Condition::kOk:
    case Condition::kPreauth:
      return 0;
    case Condition::kNo:
      return 1;
    case Condition::kBad:
    case Condition::kBye:
      return 2;
  }
  return 2;
}

const char* StateName(SessionState state) {
  switch (state) {
    case SessionState::kUnauthenticated:
      return "unauth";
    case SessionState::kAuthenticated:
      return "auth";
    case SessionState::kSelected:
      return "selected";
    case SessionState::kIdle:
      return "idle";
  }
  return "";
}

}  // namespace

Session::Session(Gateway& gateway, net::Stream stream, bool implicit_tls)
    : gateway_(gateway),
      stream_(std::move(stream)),
      reader_(stream_),
      commands_(CommandReader::UnauthenticatedLimits()),
      implicit_tls_(implicit_tls),
      session_id_(base::NewSessionId()),
      trace_(telemetry::Trace::New()),
      kicked_(std::make_shared<std::atomic<Kick>>(Kick::kNone)) {}

Session::~Session() = default;

net::Awaitable<void> Session::Run() {
  service::SessionFacts facts;
  facts.session_id = session_id_;
  facts.protocol = "imap";
  facts.peer_address = stream_.peer_address().ToString();
  facts.state = StateName(state_);
  facts.start = absl::Now();
  facts.tls = implicit_tls_;
  const auto kick = [kicked = kicked_, handle = stream_.handle()](service::KickReason reason) {
    kicked->store(reason == service::KickReason::kDrain ? Kick::kDrain : Kick::kNow);
    handle.Interrupt();
    if (reason == service::KickReason::kOperator) handle.CancelAfter(service::kKickGrace);
  };
  entry_ = gateway_.sessions.Register(std::move(facts), kick);
  gateway_.metrics.sessions.At({static_cast<size_t>(state_)}).Add();
  co_await Serve();
  gateway_.metrics.sessions.At({static_cast<size_t>(state_)}).Subtract();
  selected_.reset();
  if (store_ != nullptr) telemetry::Info("session ended", {trace_, {"session_id", session_id_}, {"account", account_}});
  entry_ = {};
  if (lingers_) co_await stream_.Linger();
  stream_.Close();
}

void Session::SetState(SessionState state) {
  if (state == state_) return;
  gateway_.metrics.sessions.At({static_cast<size_t>(state_)}).Subtract();
  gateway_.metrics.sessions.At({static_cast<size_t>(state)}).Add();
  state_ = state;
  entry_.SetState(StateName(state));
}

net::Awaitable<void> Session::Serve() {
  // One limit for all that comes before log-in: a client that sends an octet now and then would stay for ever.
  login_limit_ = net::After(gateway_.login_timeout);
  stream_.ExpiresAt(login_limit_ + kLastWordTimeout);
  if (implicit_tls_) {
    bool secured = co_await Handshake();
    if (!secured) co_return;
  }
  {
    const std::vector<std::string> words = CapabilityWords();
    const std::vector<std::string_view> views(words.begin(), words.end());
    imap::AppendUntaggedStatus(out_, Condition::kOk, imap::ResponseCode::Capability(views), "Mailmesh ready.");
  }
  for (;;) {
    std::optional<CommandReader::Event> event = co_await NextEvent();
    if (!event.has_value()) co_return;
    const bool whole = event->kind != CommandReader::Kind::kContinuation;
    Next next = co_await OnEvent(*event);
    if (next == Next::kClose) break;
    drained_ = drained_ || (drains_ && whole);
    bool flushed = co_await FlushIfLarge();
    if (!flushed) co_return;
    // A client that pipelines without end lets the other sessions of this thread have their turn.
    if (stream_.Greedy()) co_await net::Yield();
  }
  co_await Flush();
}

net::Awaitable<bool> Session::Handshake() {
  std::shared_ptr<const net::TlsServerContext> context = gateway_.tls;
  absl::Status status = co_await stream_.StartTlsServer(context);
  if (!status.ok()) telemetry::Debug("tls failed", {trace_, {"session_id", session_id_}, {"error", base::Message(status)}});
  co_return status.ok();
}

net::Awaitable<std::optional<CommandReader::Event>> Session::NextEvent() {
  for (;;) {
    std::string_view input = reader_.data();
    const size_t before = input.size();
    CommandReader::Event event = commands_.Next(&input);
    reader_.Consume(before - input.size());
    gateway_.metrics.bytes.At({0}).Increment(static_cast<double>(before - input.size()));
    if (event.kind != CommandReader::Kind::kNeedInput) co_return event;
    bool more = co_await WaitForInput();
    if (!more) co_return std::nullopt;
  }
}

Session::Result Session::OnEvent(CommandReader::Event event) {
  switch (event.kind) {
    case CommandReader::Kind::kCommand: {
      imap::ParseOptions options;
      options.search.max_keys = kMaxSearchKeys;
      imap::ParsedCommand parsed = imap::ParseCommand(event.text, options);
      if (telemetry::LogEnabled(telemetry::Level::kDebug)) {
        const std::string text = imap::RedactCommand(event.text);
        telemetry::Debug("command", {trace_, {"session_id", session_id_}, {"command", text}});
      }
      co_return co_await ServeCommand(std::move(parsed));
    }
    case CommandReader::Kind::kContinuation: {
      imap::AppendContinuation(out_, "OK");
      bool flushed = co_await Flush();
      co_return flushed ? Next::kGoOn : Next::kClose;
    }
    case CommandReader::Kind::kAppendLiteral:
      co_return co_await ServeAppend(event);
    case CommandReader::Kind::kError:
      OnReaderError(event);
      if (++errors_ < kMaxErrors) co_return Next::kGoOn;
      Bye(Code::kNone, "Too many invalid commands.");
      co_return Next::kClose;
    case CommandReader::Kind::kFatal:
      Bye(Code::kNone, "Too much to skip.");
      co_return Next::kClose;
    // Only within ServeAppend and NextLine.
    case CommandReader::Kind::kNeedInput:
    case CommandReader::Kind::kAppendData:
    case CommandReader::Kind::kAppendLiteralEnd:
    case CommandReader::Kind::kAppendEnd:
    case CommandReader::Kind::kLine:
      break;
  }
  co_return Next::kGoOn;
}

void Session::OnReaderError(const CommandReader::Event& event) {
  switch (event.error) {
    case CommandReader::Error::kLiteralTooLarge:
    case CommandReader::Error::kCommandTooLarge:
    case CommandReader::Error::kNonSyncTooLarge:
      // RFC 7888, 4.
      imap::AppendStatus(out_, event.tag, Condition::kBad, Code::kTooBig, "Command is too large.");
      return;
    case CommandReader::Error::kLineTooLong:
    case CommandReader::Error::kNone:
    case CommandReader::Error::kSkipTooLarge:
      imap::AppendStatus(out_, event.tag, Condition::kBad, {}, "Command line is too long.");
      return;
  }
}

bool Session::MayRun(Verb verb) {
  switch (NeedsOf(verb)) {
    case Needs::kNothing:
      return true;
    case Needs::kNotLoggedIn:
      if (store_ == nullptr) return true;
      Bad("Already logged in.");
      return false;
    case Needs::kLoggedIn:
      if (store_ != nullptr) return true;
      Bad("Log in first.");
      return false;
    case Needs::kSelected:
      if (selected_ != nullptr) return true;
      Bad(store_ == nullptr ? "Log in first." : "No mailbox selected.");
      return false;
  }
  return false;
}

Session::Result Session::ServeCommand(imap::ParsedCommand parsed) {
  const net::TimePoint start = net::Clock::now();
  tag_ = std::move(parsed.tag);
  replied_ = false;
  Next next = Next::kGoOn;
  if (!parsed.command.ok()) {
    if (absl::IsFailedPrecondition(parsed.command.status())) {
      No(Code::kCannot, base::Message(parsed.command.status()));
    } else {
      Bad(base::Message(parsed.command.status()));
    }
  } else if (MayRun(parsed.verb)) {
    next = co_await Execute(std::move(*parsed.command));
  }
  if (!replied_ && next == Next::kGoOn) next = co_await Finish(parsed.verb, parsed.uid);
  if (!replied_ && next == Next::kClose) co_return next;  // the connection is gone
  CountCommand(parsed.verb, start);
  if (errors_ >= kMaxErrors) {
    Bye(Code::kNone, "Too many invalid commands.");
    co_return Next::kClose;
  }
  co_return next;
}

void Session::CountCommand(Verb verb, net::TimePoint start) {
  const std::chrono::duration<double> took = net::Clock::now() - start;
  gateway_.metrics.command_seconds.At({static_cast<size_t>(verb), StatusIndex(condition_)}).Observe(took.count());
  errors_ = condition_ == Condition::kBad ? errors_ + 1 : 0;
}

Session::Result Session::Execute(imap::Command command) {
  // One level of visit; each handler is an overload of On().
  auto dispatch = [this](auto& typed) -> Result { return On(std::move(typed)); };
  Result result = std::visit(dispatch, command);
  co_return co_await std::move(result);
}

// Tells what has changed meanwhile, then the tagged reply.
Session::Result Session::Finish(Verb verb, bool uid) {
  const ClientView::Options options = TellOptions(MayExpunge(verb, uid), uid);
  Next next = co_await Tell(options);
  imap::AppendStatus(out_, tag_, condition_, code_, text_);
  replied_ = true;
  co_return next;
}

Session::Next Session::Reply(Condition condition, imap::ResponseCode code, std::string_view text) {
  condition_ = condition;
  code_ = std::move(code);
  text_ = text;
  return Next::kGoOn;
}

Session::Next Session::Fail(const absl::Status& status, std::string_view what, About about) {
  const Refusal refusal = StatusToRefusal(status, about);
  // What a client asked wrongly is no event of ours.
  const bool ours = refusal.code == Code::kUnavailable || refusal.code == Code::kServerBug ||
                    refusal.code == Code::kCorruption;
  telemetry::Log(ours ? telemetry::Level::kWarning : telemetry::Level::kDebug, "command failed",
                 {trace_, {"session_id", session_id_}, {"account", account_}, {"command", what}, {"error", status}});
  return Refuse(refusal);
}

}  // namespace mailmesh::imap_gateway
