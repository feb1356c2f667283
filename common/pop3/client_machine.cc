// ClientMachine: what comes from the server, by the command that it answers.
#include "common/pop3/client_machine.h"

#include <utility>

#include "common/pop3/replies.h"

namespace mailmesh::pop3 {

using client::Event;

namespace {

constexpr size_t kMaxLine = 8192;  // RFC 2449, 4 says 512; SASL challenges and generous servers need more

}  // namespace

ClientMachine::ClientMachine(ClientOptions options)
    : options_(options), lines_(kMaxLine, base::LineEndings::kCrlfOrLf) {}

std::string ClientMachine::TakeContent() { return std::exchange(content_, std::string()); }

Event ClientMachine::Next(std::string_view& input) {
  for (;;) {
    if (phase_ == Phase::kFailed) input = {};
    if (input.empty()) return client::NeedInput{};
    // RFC 2595, 4 and RFC 3207, 6: nothing that came in plain text may be read as if it came over TLS.
    if (phase_ == Phase::kTls) return Fail("plain text behind STLS");
    if (body_ == Body::kMessage) return NextContent(input);
    const base::LineReader::Framed framed = lines_.Next(input);
    input.remove_prefix(framed.consumed);
    if (framed.outcome == base::LineReader::Outcome::kNeedMore) continue;
    if (framed.outcome != base::LineReader::Outcome::kLine) return Fail("line too long");
    if (Step event = OnLine(framed.line, input)) return *std::move(event);
  }
}

ClientMachine::Step ClientMachine::OnLine(std::string_view line, std::string_view input) {
  if (phase_ == Phase::kGreeting) return OnGreeting(line);
  if (body_ != Body::kNone) return OnBodyLine(line);
  if (expected_.empty()) return Fail("reply to nothing");
  if (phase_ == Phase::kAuth && line.starts_with('+') && !line.starts_with("+OK")) return OnChallenge(line);
  return OnStatus(line, input);
}

Event ClientMachine::OnGreeting(std::string_view line) {
  std::optional<Reply> reply = ParseReply(line);
  if (!reply) return Fail("not a POP3 greeting");
  // A server that ends its greeting with a bare LF ends all its lines so; with any other, only CRLF counts in messages.
  if (lines_.ended_at_bare_lf()) endings_ = base::LineEndings::kCrlfOrLf;
  phase_ = Phase::kOpen;
  std::optional<std::string> timestamp = GreetingTimestamp(*reply);
  return client::Greeted{*std::move(reply), std::move(timestamp)};
}

ClientMachine::Step ClientMachine::OnStatus(std::string_view line, std::string_view input) {
  std::optional<Reply> reply = ParseReply(line);
  if (!reply) return Fail("not a POP3 reply");
  const Expected command = expected_.front();
  expected_.pop_front();
  if (phase_ == Phase::kAuth) {
    phase_ = Phase::kOpen;
    challenged_ = false;
    delayed_initial_.reset();
  }
  if (!reply->ok) return client::Replied{command.verb, command.number, *std::move(reply)};
  return OnPositive(command, *std::move(reply), input);
}

ClientMachine::Step ClientMachine::OnChallenge(std::string_view line) {
  std::optional<std::string> challenge = ParseChallenge(line);
  challenged_ = true;
  if (!challenge || (delayed_initial_ && !challenge->empty())) {
    // RFC 5034, 4: who cannot go on cancels, and the server's -ERR ends the exchange.
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

ClientMachine::Step ClientMachine::OnPositive(const Expected& command, Reply reply, std::string_view input) {
  current_ = command;
  body_lines_ = 0;
  switch (command.verb) {
    case Verb::kStat: {
      const std::optional<DropListing> drop = ParseDropListing(reply.text);
      if (!drop) return Fail("STAT that cannot be read");
      return client::StatDone{*drop};
    }
    case Verb::kList:
    case Verb::kUidl:
      if (command.one) return OnOne(command, std::move(reply));
      body_ = Body::kListing;
      return std::nullopt;
    case Verb::kCapa:
      capabilities_ = {};
      body_ = Body::kCapabilities;
      return std::nullopt;
    case Verb::kRetr:
    case Verb::kTop:
      message_ = MultilineReader(endings_);
      body_ = Body::kMessage;
      return client::MessageBegins{command.number, std::move(reply)};
    case Verb::kStls:
      if (!input.empty()) return Fail("plain text behind STLS");
      phase_ = Phase::kTls;
      return client::TlsReady{};
    default:
      return client::Replied{command.verb, command.number, std::move(reply)};
  }
}

// "LIST n" and "UIDL n" are answered in the status line.
Event ClientMachine::OnOne(const Expected& command, Reply reply) {
  one_line_ = std::move(reply.text);
  if (command.verb == Verb::kList) {
    if (const auto entry = ParseScanListing(one_line_)) return client::ListEntry{*entry};
  } else if (const auto entry = ParseUniqueIdListing(one_line_)) {
    return client::UidlEntry{*entry};
  }
  return client::BadListEntry{command.verb};
}

ClientMachine::Step ClientMachine::OnBodyLine(std::string_view line) {
  if (line == ".") {
    const Body body = std::exchange(body_, Body::kNone);
    if (body == Body::kCapabilities) return client::CapaDone{std::exchange(capabilities_, {})};
    return client::ListingDone{current_.verb};
  }
  if (line.starts_with('.')) line.remove_prefix(1);
  ++body_lines_;
  if (body_ == Body::kListing) {
    if (body_lines_ > options_.max_listing_lines) return Fail("listing too long");
    return OnListingLine(line);
  }
  if (body_lines_ > options_.max_capability_lines) return Fail("too many capabilities");
  ParseCapabilityLine(line, capabilities_);
  return std::nullopt;
}

Event ClientMachine::OnListingLine(std::string_view line) {
  if (current_.verb == Verb::kList) {
    if (const auto entry = ParseScanListing(line)) return client::ListEntry{*entry};
  } else if (const auto entry = ParseUniqueIdListing(line)) {
    return client::UidlEntry{*entry};
  }
  return client::BadListEntry{current_.verb};
}

Event ClientMachine::NextContent(std::string_view& input) {
  input.remove_prefix(message_.Decode(input, content_));
  if (message_.size() > options_.max_message_size) return Fail("message too large");
  if (!message_.done()) return client::MessageContent{};
  body_ = Body::kNone;
  return client::MessageDone{current_.number, message_.size()};
}

Event ClientMachine::Fail(std::string_view what) {
  phase_ = Phase::kFailed;
  body_ = Body::kNone;
  expected_.clear();
  content_.clear();
  return client::Failed{what};
}

}  // namespace mailmesh::pop3
