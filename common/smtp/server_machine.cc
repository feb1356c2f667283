#include "common/smtp/server_machine.h"

#include <algorithm>
#include <optional>

#include "common/base/bytes.h"
#include "common/smtp/line_limits.h"
#include "common/smtp/replies.h"
#include "common/text/ascii.h"

namespace mailmesh::smtp {

using server::Event;

namespace {

constexpr std::string_view kAuthPrefix = "AUTH ";

size_t ReaderLimit(ExtensionSet offered) {
  // RFC 4954, 4: a client may put its initial response into the command; tokens of some mechanisms are long.
  return offered.Has(Extension::kAuth) ? kAuthLine : CommandLineLimit(offered);
}

}  // namespace

ServerMachine::ServerMachine(ServerOptions options)
    : options_(std::move(options)), lines_(ReaderLimit(options_.offer.extensions)) {}

void ServerMachine::Greet() {
  const std::string_view protocol = options_.protocol == Protocol::kLmtp ? " LMTP Mailmesh" : " ESMTP Mailmesh";
  Greet(Reply(replies::kGreetingCode, {}, options_.name + std::string(protocol)));
}

void ServerMachine::Greet(const Reply& reply) {
  // RFC 2034, 4: the greeting has no enhanced code.
  AppendReply(reply, false, output_);
  if (reply.code == replies::kClosingCode) {
    close_ = server::CloseReason::kShutdown;
  } else {
    phase_ = reply.IsPositive() ? Phase::kHello : Phase::kRefused;
  }
}

Event ServerMachine::Next(std::string_view& input) {
  if (close_) {
    input = {};
    return server::Close{*close_};
  }
  if (pending_ != Pending::kNone) return server::NeedInput{};
  switch (phase_) {
    case Phase::kData:
      return NextContent(input);
    case Phase::kChunk:
      return NextChunk(input);
    case Phase::kTls:
      // RFC 3207, 4.2: nothing that came in plain text may survive into the TLS session.
      input = {};
      return server::NeedInput{};
    case Phase::kGreeting:
    case Phase::kRefused:
    case Phase::kHello:
    case Phase::kReady:
    case Phase::kAuth:
      break;
  }
  return NextLine(input);
}

Event ServerMachine::NextLine(std::string_view& input) {
  if (input.empty()) return server::NeedInput{};
  const base::LineReader::Framed framed = lines_.Next(input);
  input.remove_prefix(framed.consumed);
  verb_ = Verb::kOther;
  early_input_ = !input.empty();
  switch (framed.outcome) {
    case base::LineReader::Outcome::kLine:
      return OnLine(framed.line, input);
    case base::LineReader::Outcome::kNeedMore:
      if (lines_.dropped() > options_.max_dropped_line) {
        return CloseWith(replies::kTooManyErrors, server::CloseReason::kEndlessLine);
      }
      return server::NeedInput{};
    case base::LineReader::Outcome::kTooLong:
    case base::LineReader::Outcome::kBareLf:
    case base::LineReader::Outcome::kBareCr:
      break;
  }
  return OnLineFault(framed.outcome);
}

Event ServerMachine::OnLineFault(base::LineReader::Outcome outcome) {
  const bool too_long = outcome == base::LineReader::Outcome::kTooLong;
  if (!too_long && options_.close_on_bare_line_ending) {
    return CloseWith(replies::kBareLineEnding, server::CloseReason::kBareLineEnding);
  }
  if (phase_ == Phase::kAuth) {
    phase_ = Phase::kReady;
    Bad(too_long ? replies::kAuthLineTooLong : replies::kBareLineEnding);
    return server::AuthAborted{};
  }
  return Bad(too_long ? replies::kLineTooLong : replies::kBareLineEnding);
}

Event ServerMachine::OnLine(std::string_view line, std::string_view& input) {
  if (phase_ == Phase::kAuth) return OnAuthLine(line);
  const size_t limit = CommandLineLimit(options_.offer.extensions);
  if (line.size() + 2 > limit && !text::StartsWithIgnoreAsciiCase(line, kAuthPrefix)) return Bad(replies::kLineTooLong);
  ParseOptions options;
  options.offered = options_.offer.extensions;
  options.utf8_transaction = transaction_.utf8;
  options.address = options_.address;
  return OnCommand(ParseCommand(line, options), input);
}

// RFC 4954, 4: "*" cancels; anything else is base64.
Event ServerMachine::OnAuthLine(std::string_view line) {
  verb_ = Verb::kAuth;
  if (line == "*") {
    phase_ = Phase::kReady;
    Bad(replies::kAuthCancelled);
    return server::AuthAborted{};
  }
  std::optional<std::string> response = base::Base64Decode(line);
  if (!response) {
    phase_ = Phase::kReady;
    Bad(replies::kBadBase64);
    return server::AuthAborted{};
  }
  return Await(Pending::kAuth, server::AuthResponse{base::Secret(*std::move(response))});
}

Event ServerMachine::OnCommand(ParsedCommand parsed, std::string_view& input) {
  verb_ = parsed.verb;
  if (!Understands(verb_)) return Bad(replies::kUnknownCommand);
  // RFC 5321, 3.1: after a greeting of 554 only QUIT is answered with anything but 503.
  if ((phase_ == Phase::kRefused || phase_ == Phase::kGreeting) && verb_ != Verb::kQuit) {
    return Bad(replies::kBadSequence);
  }
  if (options_.enforce_pipelining && early_input_ && MustBeLast(verb_)) {
    return CloseWith(replies::kImproperPipelining, server::CloseReason::kImproperPipelining);
  }
  if (!parsed.ok()) {
    // RFC 3030, 2: content follows, and nobody knows how much of it.
    if (verb_ == Verb::kBdat) return CloseWith(parsed.error(), server::CloseReason::kBadChunk);
    return Bad(parsed.error());
  }
  if (verb_ == Verb::kStartTls) return OnStartTls(input);
  Event event = std::visit([this](auto&& command) { return On(std::forward<decltype(command)>(command)); },
                           std::move(parsed.command()));
  // A chunk that needs no answer before its octets: there may be none, or they may be refused and tell the session nothing.
  return phase_ == Phase::kChunk ? NextChunk(input) : event;
}

// RFC 2033, 4.1: LHLO and HELO/EHLO exclude each other.
bool ServerMachine::Understands(Verb verb) const {
  const bool lmtp = options_.protocol == Protocol::kLmtp;
  if (verb == Verb::kLhlo) return lmtp;
  if (verb == Verb::kHelo || verb == Verb::kEhlo) return !lmtp;
  return true;
}

// RFC 2920, 3.1. STARTTLS has a rule of its own, QUIT has nothing behind it that matters.
bool ServerMachine::MustBeLast(Verb verb) const {
  switch (verb) {
    case Verb::kHelo:
    case Verb::kEhlo:
    case Verb::kLhlo:
    case Verb::kData:
    case Verb::kVrfy:
    case Verb::kExpn:
    case Verb::kHelp:
    case Verb::kEtrn:
    case Verb::kNoop:
    case Verb::kAuth:
      return true;
    case Verb::kMail:
    case Verb::kRcpt:
    case Verb::kRset:
      return !extended_ || !options_.offer.Has(Extension::kPipelining);
    case Verb::kBdat:
    case Verb::kQuit:
    case Verb::kStartTls:
    case Verb::kOther:
      return false;
  }
  return false;
}

Event ServerMachine::NextContent(std::string_view& input) {
  if (input.empty()) return server::NeedInput{};
  input.remove_prefix(data_.Decode(input, content_));
  if (!data_.done()) return server::ContentReceived{};
  verb_ = Verb::kData;
  return EndOfContent(data_.size(), data_.too_big(), data_.bare_lf() || data_.bare_cr());
}

Event ServerMachine::NextChunk(std::string_view& input) {
  const bool refused = chunk_.refusal.has_value() || bdat_.too_big();
  const size_t taken = refused ? bdat_.Skip(input) : bdat_.Decode(input, content_);
  input.remove_prefix(taken);
  if (bdat_.chunk_done()) return EndOfChunk();
  if (taken == 0 || refused) return server::NeedInput{};
  return server::ContentReceived{};
}

Event ServerMachine::EndOfChunk() {
  verb_ = Verb::kBdat;
  phase_ = phase_before_chunk_;
  if (chunk_.refusal) return RefusedChunk();
  if (bdat_.too_big()) {
    if (chunk_.last) return RefuseContent(replies::kMessageTooBig, server::ContentFault::kTooBig, bdat_.size());
    transaction_.failed = true;
    content_.clear();
    Write(replies::kMessageTooBig);
    return server::ContentRefused{server::ContentFault::kTooBig, bdat_.size()};
  }
  if (!chunk_.last) {
    Write(replies::kChunkAccepted);
    return server::Answered{verb_, replies::kChunkAccepted.code};
  }
  bdat_.Finish();
  // RFC 3030, 3: only BINARYMIME lifts the rule that lines end with CRLF (RFC 5321, 2.3.8).
  const bool bare = !transaction_.binary && (bdat_.bare_lf() || bdat_.bare_cr());
  return EndOfContent(bdat_.size(), false, bare);
}

// RFC 3030, 2: the octets are swallowed, now the refusal may be said.
Event ServerMachine::RefusedChunk() {
  const Reply reply = *std::exchange(chunk_.refusal, std::nullopt);
  if (chunk_.last) {
    WritePerRecipient(reply);
    EndTransaction();
  } else {
    Write(reply);
    transaction_.failed = transaction_.open;
  }
  if (reply.code == replies::kClosingCode) close_ = server::CloseReason::kShutdown;
  return server::Answered{verb_, reply.code};
}

Event ServerMachine::EndOfContent(uint64_t size, bool too_big, bool bare) {
  phase_ = Phase::kReady;
  if (too_big) return RefuseContent(replies::kMessageTooBig, server::ContentFault::kTooBig, size);
  if (bare) return RefuseContent(replies::kBareLineEndingInContent, server::ContentFault::kBareLineEnding, size);
  unanswered_ = options_.protocol == Protocol::kLmtp ? transaction_.recipients : 1;
  return Await(Pending::kEndContent, server::EndContent{size});
}

Event ServerMachine::RefuseContent(const CannedReply& reply, server::ContentFault fault, uint64_t size) {
  content_.clear();
  WritePerRecipient(reply);
  EndTransaction();
  return server::ContentRefused{fault, size};
}

void ServerMachine::EndTransaction() {
  transaction_ = {};
  unanswered_ = 0;
}

uint64_t ServerMachine::MaxSize() const { return options_.offer.max_size > 0 ? options_.offer.max_size : UINT64_MAX; }

void ServerMachine::SetOffer(Capabilities offer) {
  options_.offer = std::move(offer);
  lines_.set_max_line(ReaderLimit(options_.offer.extensions));
}

void ServerMachine::TlsEstablished(Capabilities offer) {
  // RFC 3207, 4.2: the server must discard any knowledge obtained from the client.
  lines_.Reset();
  content_.clear();
  EndTransaction();
  extended_ = false;
  authenticated_ = false;
  tls_active_ = true;
  phase_ = Phase::kHello;
  SetOffer(std::move(offer));
}

void ServerMachine::Shutdown(const Reply& reply) {
  Write(reply);
  close_ = server::CloseReason::kShutdown;
}

bool ServerMachine::at_command_boundary() const {
  return !close_ && pending_ == Pending::kNone && phase_ != Phase::kData && phase_ != Phase::kChunk && phase_ != Phase::kTls;
}

Event ServerMachine::Say(const CannedReply& reply) {
  // RFC 2034, 4: nothing that answers HELO or EHLO has an enhanced code.
  const bool hello = verb_ == Verb::kHelo || verb_ == Verb::kEhlo || verb_ == Verb::kLhlo;
  AppendReply(reply, !hello && options_.offer.Has(Extension::kEnhancedStatusCodes), output_);
  return server::Answered{verb_, reply.code};
}

Event ServerMachine::Bad(const CannedReply& reply) {
  Event event = Say(reply);
  CountBad();
  return event;
}

void ServerMachine::CountBad() {
  if (++bad_commands_ <= options_.max_bad_commands) return;
  Write(replies::kTooManyErrors);
  close_ = server::CloseReason::kTooManyErrors;
}

Event ServerMachine::CloseWith(const CannedReply& reply, server::CloseReason reason) {
  Say(reply);
  // RFC 5321, 3.8: but for QUIT, a server closes only after a 421.
  if (reply.code / 100 == 5) Write(replies::kProtocolBroken);
  close_ = reason;
  return server::Close{reason};
}

Event ServerMachine::Await(Pending pending, Event event) {
  pending_ = pending;
  return event;
}

void ServerMachine::Write(const Reply& reply) {
  AppendReply(reply, options_.offer.Has(Extension::kEnhancedStatusCodes), output_);
}

// RFC 2033, 4.2: after the content each accepted recipient has a reply of its own.
void ServerMachine::WritePerRecipient(const Reply& reply) {
  const size_t times = options_.protocol == Protocol::kLmtp ? std::max<size_t>(transaction_.recipients, 1) : 1;
  for (size_t i = 0; i < times; ++i) Write(reply);
}

}  // namespace mailmesh::smtp
