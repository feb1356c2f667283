// ClientMachine: replies are matched to the commands that they answer.
#include "common/smtp/client_machine.h"

#include <utility>

#include "common/base/bytes.h"
#include "common/smtp/command_writer.h"
#include "common/smtp/replies.h"

namespace mailmesh::smtp {

using client::Event;

ClientMachine::ClientMachine(ClientOptions options)
    : options_(std::move(options)), parser_(options_.reply_limits), writer_(options_.stray) {}

Event ClientMachine::Next(std::string_view& input) {
  for (;;) {
    if (ready_event_) return *std::exchange(ready_event_, std::nullopt);
    if (state_ == State::kClosed) input = {};
    if (input.empty()) return client::NeedInput{};
    // RFC 3207, 6: what the server is supposed to have said in plain text before the handshake may be anybody's.
    if (state_ == State::kTls) return Fail(replies::kBadServerReply);
    const ReplyParser::Step step = parser_.Feed(input);
    input.remove_prefix(step.consumed);
    if (step.outcome == ReplyParser::Outcome::kError) return Fail(replies::kBadServerReply);
    if (step.outcome == ReplyParser::Outcome::kNeedMore) continue;
    ++replies_;
    if (Step event = OnReply(parser_.Take(), input)) return *std::move(event);
  }
}

ClientMachine::Step ClientMachine::OnReply(Reply reply, std::string_view input) {
  if (state_ == State::kGreeting) return OnGreeting(std::move(reply));
  // RFC 5321, 3.8: 421 may answer any command, and may come without one.
  if (reply.code == replies::kClosingCode) return OnClosing(reply);
  if (expected_.empty()) return OnUnexpected(reply);
  const Expected command = expected_.front();
  expected_.pop_front();
  return Dispatch(command, std::move(reply), input);
}

ClientMachine::Step ClientMachine::Dispatch(const Expected& command, Reply reply, std::string_view input) {
  switch (command.what) {
    case Sent::kEhlo:
    case Sent::kHelo:
      return OnHello(command.what, std::move(reply));
    case Sent::kStartTls:
      return OnStartTls(std::move(reply), input);
    case Sent::kAuth:
      return OnAuth(std::move(reply));
    case Sent::kMail:
      return OnMail(reply);
    case Sent::kRcpt:
      return OnRcpt(command.recipient, reply);
    case Sent::kData:
      return OnData(reply);
    case Sent::kChunk:
      return OnChunk(reply);
    case Sent::kEnd:
      return OnEnd(command.recipient, reply);
    case Sent::kEmptyEnd:
      return Advance();
    case Sent::kReset:
      // RFC 5321, 4.1.1.5 knows no other answer than 250; after another one nobody knows what state the server is in.
      if (!reply.IsPositive()) return Fail(replies::kBadServerReply);
      return Advance();
    case Sent::kSimple:
      state_ = State::kReady;
      return client::CommandDone{std::move(reply)};
    case Sent::kQuit:
      state_ = State::kClosed;
      return client::Closed{std::move(reply)};
  }
  return Fail(replies::kBadServerReply);
}

Event ClientMachine::OnGreeting(Reply reply) {
  state_ = reply.code == replies::kClosingCode ? State::kClosed : State::kConnected;
  return client::Greeted{std::move(reply)};
}

ClientMachine::Step ClientMachine::OnHello(Sent what, Reply reply) {
  if (reply.IsPositive()) {
    extended_ = what == Sent::kEhlo;
    offer_ = extended_ ? ParseEhloReply(reply) : Capabilities{};
    needs_reset_ = false;
    state_ = State::kReady;
    return client::HelloDone{std::move(reply)};
  }
  // RFC 5321, 3.2 and 4.1.1.1: a server that does not know EHLO is asked again with HELO. LMTP has no such past.
  if (what == Sent::kEhlo && reply.IsPermanent() && options_.protocol == Protocol::kSmtp) {
    AppendHello(Verb::kHelo, options_.name, output_);
    Expect(Sent::kHelo);
    return std::nullopt;
  }
  state_ = State::kConnected;
  return client::HelloDone{std::move(reply)};
}

Event ClientMachine::OnStartTls(Reply reply, std::string_view input) {
  if (reply.code != replies::kReadyForTlsCode) {
    state_ = State::kReady;
    // A 2yz that is not 220 has no meaning; it must not look like a success.
    if (reply.IsPositive()) return Fail(replies::kBadServerReply);
    return client::StartTlsDone{std::move(reply)};
  }
  // RFC 3207, 6: replies that were put in before the handshake would be taken for those of the TLS session.
  if (!input.empty() || !parser_.idle()) return Fail(replies::kBadServerReply);
  state_ = State::kTls;
  return client::StartTlsDone{std::move(reply)};
}

void ClientMachine::TlsEstablished() {
  // RFC 3207, 4.2: what was offered in plain text is forgotten.
  offer_ = {};
  extended_ = false;
  state_ = State::kConnected;
}

ClientMachine::Step ClientMachine::OnAuth(Reply reply) {
  if (reply.code != replies::kAuthChallengeCode) {
    delayed_initial_.reset();
    state_ = State::kReady;
    if (reply.IsIntermediate()) return Fail(replies::kBadServerReply);
    return client::AuthDone{std::move(reply)};
  }
  std::optional<std::string> challenge = base::Base64Decode(reply.lines.empty() ? std::string() : reply.lines.front());
  state_ = State::kChallenged;
  if (!challenge || (delayed_initial_ && !challenge->empty())) {
    // RFC 4954, 4: a client that cannot go on cancels; the server's 501 ends the exchange.
    delayed_initial_.reset();
    (void)AuthCancel();
    return std::nullopt;
  }
  if (delayed_initial_) {
    const base::Secret initial = *std::exchange(delayed_initial_, std::nullopt);
    (void)AuthRespond(initial);
    return std::nullopt;
  }
  return client::AuthChallenged{*std::move(challenge)};
}

// A reply that answers nothing: while content is being sent, a server that will hear no more of it; else nonsense.
ClientMachine::Step ClientMachine::OnUnexpected(const Reply& reply) {
  if (state_ == State::kContent && (reply.IsTemporary() || reply.IsPermanent())) return OnClosing(reply);
  return Fail(replies::kBadServerReply);
}

Event ClientMachine::OnClosing(const Reply& reply) {
  const Stage stage = CurrentStage();
  state_ = State::kClosed;
  expected_.clear();
  if (!std::exchange(in_transaction_, false)) return client::Closed{reply};
  DecidePending(reply.IsPermanent() ? Verdict::kPermanent : Verdict::kTemporary, stage, reply, false);
  return client::TransactionDone{};
}

Event ClientMachine::Fail(const Reply& reply) {
  ConnectionLost(reply);
  return client::Failed{reply};
}

bool ClientMachine::ConnectionLost(const Reply& reply) {
  const Stage stage = CurrentStage();
  state_ = State::kClosed;
  expected_.clear();
  if (!std::exchange(in_transaction_, false)) return false;
  DecidePending(Verdict::kTemporary, stage, reply, true);
  return true;
}

Stage ClientMachine::CurrentStage() const {
  switch (state_) {
    case State::kGreeting:
    case State::kConnected:
      return Stage::kConnect;
    case State::kHello:
      return Stage::kHello;
    case State::kStartTls:
    case State::kTls:
      return Stage::kStartTls;
    case State::kAuth:
    case State::kChallenged:
      return Stage::kAuth;
    case State::kEnvelope:
      return mail_accepted_ ? Stage::kRcpt : Stage::kMail;
    case State::kContent:
      return Stage::kContent;
    case State::kAwaitEnd:
      return Stage::kEnd;
    case State::kReady:
    case State::kSimple:
    case State::kQuit:
    case State::kClosed:
      break;
  }
  return Stage::kNone;
}

}  // namespace mailmesh::smtp
