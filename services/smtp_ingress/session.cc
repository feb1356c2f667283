#include "services/smtp_ingress/session.h"

#include <algorithm>
#include <chrono>

#include "absl/time/clock.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/smtp/replies.h"
#include "common/telemetry/log.h"

namespace mailmesh::smtp_ingress {
namespace {

namespace replies = smtp::replies;
namespace server = smtp::server;

// Replies are written when this much has gathered, whatever the client has pipelined.
constexpr size_t kFlushAbove = 32 * 1024;
constexpr auto kLastWordTimeout = std::chrono::seconds(5);
// In a drain, a client in the middle of a transaction may be silent for so long: less than the drain takes (drain.window).
constexpr auto kDrainPatience = std::chrono::seconds(5);

smtp::ServerOptions OptionsFor(const Ingress& ingress, ListenerKind kind) {
  smtp::ServerOptions options;
  options.protocol = kind == ListenerKind::kLmtp ? smtp::Protocol::kLmtp : smtp::Protocol::kSmtp;
  options.name = ingress.hostname;
  options.max_recipients = ingress.max_recipients;
  options.max_bad_commands = ingress.max_bad_commands;
  options.address.utf8 = true;  // MAIL and RCPT need SMTPUTF8 for it all the same
  return options;
}

std::string_view CodeClass(uint16_t code) {
  switch (code / 100) {
    case 2:
      return "2xx";
    case 3:
      return "3xx";
    case 4:
      return "4xx";
    default:
      return "5xx";
  }
}

}  // namespace

std::string_view ListenerName(ListenerKind kind) {
  switch (kind) {
    case ListenerKind::kMx:
      return "mx";
    case ListenerKind::kSubmission:
      return "submission";
    case ListenerKind::kSubmissions:
      return "submissions";
    case ListenerKind::kLmtp:
      return "lmtp";
  }
  return "mx";
}

Session::Session(Ingress& ingress, net::Stream stream, ListenerKind kind)
    : ingress_(ingress),
      kind_(kind),
      stream_(std::move(stream)),
      reader_(stream_, 256 * 1024),
      session_id_(base::NewSessionId()),
      wait_(std::make_shared<std::atomic<Wait>>(Wait::kAsEver)),
      machine_(OptionsFor(ingress, kind)) {}

net::Awaitable<void> Session::Run() {
  service::SessionFacts facts;
  facts.session_id = session_id_;
  facts.protocol = kind_ == ListenerKind::kLmtp ? "lmtp" : "smtp";
  facts.peer_address = stream_.peer_address().ToString();
  facts.state = std::string(ListenerName(kind_));
  facts.start = absl::Now();
  facts.tls = kind_ == ListenerKind::kSubmissions;
  const auto kick = [wait = wait_, handle = stream_.handle()](service::KickReason reason) {
    // The more urgent ones break off a content too: nothing of it was acknowledged.
    wait->store(reason == service::KickReason::kDrain ? Wait::kForTransaction : Wait::kForNothing);
    handle.Interrupt();
    // Whoever does not read what it is told.
    if (reason == service::KickReason::kOperator) handle.CancelAfter(service::kKickGrace);
  };
  entry_ = ingress_.sessions.Register(std::move(facts), kick);
  const telemetry::Gauge sessions = ingress_.metrics.sessions.With({ListenerName(kind_)});
  sessions.Add();
  co_await Serve();
  sessions.Subtract();
  if (body_ != nullptr) ingress_.metrics.transactions.With({ListenerName(kind_), "aborted"}).Increment();
  const std::string_view tls = kind_ == ListenerKind::kSubmissions ? "implicit" : stream_.is_tls() ? "starttls" : "none";
  ingress_.metrics.connections.With({ListenerName(kind_), tls}).Increment();
  stream_.Close();
}

net::Awaitable<bool> Session::Greet() {
  session_end_ = net::After(ingress_.session_timeout);
  transaction_limit_ = net::After(ingress_.transaction_timeout);
  // A little later, whatever goes on: until then a client between two commands is told (Exchange).
  stream_.ExpiresAt(session_end_ + kLastWordTimeout);
  stream_.ExpiresAfter(ingress_.command_timeout);
  const bool too_fast = !ingress_.limits->TakeConnection(ForLimits());
  // Before a handshake, which is what costs: without a word, for there is none before TLS.
  if (too_fast && kind_ == ListenerKind::kSubmissions) co_return false;
  if (kind_ == ListenerKind::kSubmissions) {
    bool secured = co_await Handshake();
    if (!secured) co_return false;
    machine_.set_tls_active();
  }
  machine_.SetOffer(Offer());
  // RFC 2033, 5: LMTP is not for the open network; it has no authentication of its own here.
  if (kind_ == ListenerKind::kLmtp && !stream_.peer_address().is_unix() &&
      !ingress_.lmtp_networks.Contains(stream_.peer_address())) {
    machine_.Greet(replies::kNoService);
  } else if (too_fast) {
    machine_.Greet(replies::kTooManySessions);
  } else {
    machine_.Greet();
  }
  co_return true;
}

// As a whole within the time of a command.
net::Awaitable<bool> Session::Handshake() {
  stream_.ExpiresAt(net::After(ingress_.command_timeout));
  std::shared_ptr<const net::TlsServerContext> context = ingress_.tls;
  absl::Status status = co_await stream_.StartTlsServer(context);
  stream_.ExpiresAt(session_end_ + kLastWordTimeout);
  if (!status.ok()) telemetry::Debug("tls failed", {trace_, {"session_id", session_id_}, {"error", base::Message(status)}});
  co_return status.ok();
}

net::Awaitable<void> Session::Serve() {
  bool greeted = co_await Greet();
  if (!greeted) co_return;
  command_start_ = served_start_ = net::Clock::now();
  while (!closing_) {
    if (EndsHere()) {
      co_await SayLast(replies::kShuttingDown);
      co_return;
    }
    server::Event event = machine_.Next(input_);
    if (std::holds_alternative<server::NeedInput>(event)) {
      bool more = co_await Exchange();
      if (!more) co_return;
      continue;
    }
    co_await Handle(std::move(event));
    if (machine_.output().size() >= kFlushAbove) {
      bool flushed = co_await Flush();
      if (!flushed) co_return;
    }
  }
  co_await Part();
}

net::Awaitable<bool> Session::Flush() {
  if (machine_.output().empty()) co_return true;
  std::string octets = std::move(machine_.output());
  machine_.output().clear();
  absl::Status status = co_await stream_.Write(octets);
  co_return status.ok();
}

net::Awaitable<void> Session::SayLast(const smtp::CannedReply& reply) {
  machine_.Shutdown(reply);
  stream_.ExpiresAt(net::After(kLastWordTimeout));
  co_await Part();
}

net::Awaitable<void> Session::Part() {
  bool said = co_await Flush();
  if (!said) co_return;
  // The session is over, its connection not yet: what was pipelined behind the last command that counts must not take along its reply.
  entry_ = {};
  co_await stream_.Linger();
}

// Until when input is waited for. A command must be there as a whole in its time, however slowly its octets come; inside
// a content silence counts, and the end of the session (Greet).
net::TimePoint Session::WaitLimit() const {
  if (!machine_.at_command_boundary()) return net::After(ingress_.data_timeout);
  net::Duration timeout = body_ != nullptr ? ingress_.data_timeout : ingress_.command_timeout;
  if (FinishesTransaction()) timeout = std::min<net::Duration>(timeout, kDrainPatience);
  return std::min({command_start_ + timeout, transaction_limit_, session_end_});
}

bool Session::FinishesTransaction() const {
  return wait_->load() == Wait::kForTransaction && machine_.in_transaction();
}

bool Session::EndsHere() const {
  return wait_->load() != Wait::kAsEver && machine_.at_command_boundary() && !FinishesTransaction();
}

const smtp::CannedReply* Session::ReasonToEnd() const {
  const bool over = machine_.at_command_boundary() && net::Clock::now() >= WaitLimit();
  switch (wait_->load()) {
    case Wait::kAsEver:
      return over ? &replies::kTimeout : nullptr;
    case Wait::kForTransaction:
      return over || EndsHere() ? &replies::kShuttingDown : nullptr;
    case Wait::kForNothing:
      return &replies::kShuttingDown;
  }
  return nullptr;
}

net::Awaitable<bool> Session::Exchange() {
  reader_.Consume(reader_.data().size() - input_.size());
  input_ = {};
  bool flushed = co_await Flush();
  if (!flushed) co_return false;
  // A kick may have come while a command was being served or a content was on its way.
  absl::StatusOr<net::WaitResult> waited = net::WaitResult::kInterrupted;
  if (ReasonToEnd() == nullptr) {
    stream_.ExpiresAfter(net::Duration::zero());
    stream_.ExpiresAt(WaitLimit());
    waited = co_await reader_.WaitReadable();
    stream_.ExpiresAt(session_end_ + kLastWordTimeout);
    stream_.ExpiresAfter(ingress_.command_timeout);
  }
  if (const smtp::CannedReply* reason = ReasonToEnd(); reason != nullptr) {
    // RFC 5321, 3.8 and 4.5.3.2: say why, if the client still listens.
    co_await SayLast(*reason);
    co_return false;
  }
  if (!waited.ok()) co_return false;
  if (*waited == net::WaitResult::kInterrupted) co_return true;
  absl::StatusOr<size_t> filled = co_await reader_.Fill();
  served_start_ = net::Clock::now();
  input_ = reader_.data();
  co_return filled.ok() && *filled > 0;
}

Session::Handled Session::Handle(server::Event event) {
  auto dispatch = [this](auto& typed) -> Handled { return On(std::move(typed)); };
  Handled handled = std::visit(dispatch, event);
  co_await std::move(handled);
  command_start_ = net::Clock::now();
}

void Session::Answer(smtp::Verb verb, const smtp::Reply& reply) {
  machine_.Answer(reply);
  const std::chrono::duration<double> took = net::Clock::now() - served_start_;
  ingress_.metrics.command_seconds.With({ListenerName(kind_), smtp::VerbName(verb), CodeClass(reply.code)}).Observe(took.count());
  served_start_ = net::Clock::now();
}

smtp::Capabilities Session::Offer() const {
  smtp::Capabilities offer;
  offer.extensions = {smtp::Extension::kPipelining, smtp::Extension::kSize,     smtp::Extension::k8BitMime,
                      smtp::Extension::kSmtpUtf8,   smtp::Extension::kChunking, smtp::Extension::kEnhancedStatusCodes,
                      smtp::Extension::kDsn,        smtp::Extension::kVrfy,     smtp::Extension::kHelp};
  offer.max_size = ingress_.max_message_bytes;
  if (!stream_.is_tls() && ingress_.tls != nullptr) offer.extensions.Add(smtp::Extension::kStartTls);
  if (IsSubmission(kind_)) {
    std::vector<std::string> mechanisms = ingress_.authenticator.policy().Mechanisms(Facts());
    if (!mechanisms.empty()) offer.extensions.Add(smtp::Extension::kAuth);
    // RFC 4954, 4: once only. Nothing is left to choose after it, so EHLO does not list it any more; the parameter of
    // MAIL (5) stays.
    if (account_id_.empty()) offer.auth_mechanisms = std::move(mechanisms);
  }
  return offer;
}

Session::Handled Session::On(server::HelloReceived event) {
  helo_ = event.hello.well_formed ? event.hello.name : "";
  DropTransaction();
  Answer(event.hello.verb, replies::kOk);
  co_return;
}

Session::Handled Session::On(server::StartTlsReceived event) {
  if (event.discarded > 0) {
    telemetry::Warning("octets behind STARTTLS were thrown away", {trace_, {"session_id", session_id_},
                                                                   {"peer", stream_.peer_address().ToString()},
                                                                   {"octets", static_cast<uint64_t>(event.discarded)}});
  }
  Answer(smtp::Verb::kStartTls, replies::kReadyForTls);
  bool flushed = co_await Flush();
  // RFC 3207, 4.2: nothing that came in plain text counts any more, whatever lies in our buffers.
  reader_.DiscardAll();
  input_ = {};
  if (!flushed) {
    Close();
    co_return;
  }
  bool secured = co_await Handshake();
  if (!secured) {
    Close();
    co_return;
  }
  DropTransaction();
  helo_.clear();
  account_id_.clear();
  account_.clear();
  account_permit_.reset();
  entry_.SetTls(true);
  machine_.TlsEstablished(Offer());
}

// RFC 5321, 3.5.3 and 7.3: 252 for whatever could be an address, so that nobody learns here who exists.
Session::Handled Session::On(server::VrfyReceived) {
  Answer(smtp::Verb::kVrfy, replies::kCannotVerify);
  co_return;
}

// RFC 5321, 7.3 lets a site switch EXPN off; then EHLO does not list it.
Session::Handled Session::On(server::ExpnReceived) {
  Answer(smtp::Verb::kExpn, replies::kNotImplemented);
  co_return;
}

Session::Handled Session::On(server::HelpReceived) {
  Answer(smtp::Verb::kHelp, kind_ == ListenerKind::kLmtp ? replies::kLmtpHelp : replies::kSmtpHelp);
  co_return;
}

// RFC 1985 is not offered, so the machine refuses it by itself.
Session::Handled Session::On(server::EtrnReceived) {
  Answer(smtp::Verb::kEtrn, replies::kNotImplemented);
  co_return;
}

Session::Handled Session::On(server::Answered) { co_return; }

Session::Handled Session::On(server::TransactionReset) {
  DropTransaction();
  co_return;
}

Session::Handled Session::On(server::Close) {
  Close();
  co_return;
}

Session::Handled Session::On(server::NeedInput) { co_return; }

}  // namespace mailmesh::smtp_ingress
