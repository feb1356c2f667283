// ServerMachine, command by command: what may come when, and what an answer changes.
#include <algorithm>
#include <optional>

#include "common/base/bytes.h"
#include "common/smtp/line_limits.h"
#include "common/smtp/replies.h"
#include "common/smtp/server_machine.h"

namespace mailmesh::smtp {

using server::Event;

Event ServerMachine::On(Hello hello) {
  hello_verb_ = hello.verb;
  return Await(Pending::kHello, server::HelloReceived{std::move(hello)});
}

Event ServerMachine::On(Mail mail) {
  if (phase_ == Phase::kHello) return Bad(replies::kHelloFirst);
  if (transaction_.open) return Bad(replies::kNestedMail);
  // RFC 1870, 6.1: refused before the content is sent.
  if (mail.size && *mail.size > MaxSize()) return Say(replies::kMessageTooBig);
  next_ = {};
  next_.open = true;
  next_.utf8 = mail.smtputf8;
  next_.binary = mail.body == Body::kBinaryMime;
  return Await(Pending::kMail, server::MailReceived{std::move(mail)});
}

Event ServerMachine::On(Rcpt rcpt) {
  if (phase_ == Phase::kHello) return Bad(replies::kHelloFirst);
  if (!transaction_.open) return Bad(replies::kNeedMail);
  if (transaction_.chunking) return Bad(replies::kBadSequence);
  // RFC 5321, 4.5.3.1.10
  if (transaction_.recipients >= options_.max_recipients) return Say(replies::kTooManyRecipients);
  return Await(Pending::kRcpt, server::RcptReceived{std::move(rcpt)});
}

Event ServerMachine::On(Data) {
  if (phase_ == Phase::kHello) return RefuseData(replies::kHelloFirst);
  if (!transaction_.open) return RefuseData(replies::kNeedMail);
  // RFC 3030, 2 and 3
  if (transaction_.chunking) return RefuseData(replies::kDataAfterBdat);
  if (transaction_.binary) return RefuseData(replies::kBinaryNeedsBdat);
  // RFC 2033, 4.2 asks LMTP for 503; RFC 5321, 3.3 lets SMTP say 554.
  const bool lmtp = options_.protocol == Protocol::kLmtp;
  if (transaction_.recipients == 0) return RefuseData(lmtp ? replies::kNeedRecipient : replies::kNoValidRecipients);
  return Await(Pending::kBeginData, server::BeginContent{false});
}

Event ServerMachine::RefuseData(const CannedReply& reply) {
  Event event = Bad(reply);
  CloseIfContentFollows();
  return event;
}

// The client sent something behind DATA without waiting for the 354, which RFC 2920, 3.1 forbids: content, most likely.
// Read as commands it could do anything, so the connection ends here.
void ServerMachine::CloseIfContentFollows() {
  if (!early_input_ || close_) return;
  Write(replies::kProtocolBroken);  // RFC 5321, 3.8
  close_ = server::CloseReason::kImproperPipelining;
}

// Whatever is wrong, the chunk follows and must be swallowed (RFC 3030, 2).
Event ServerMachine::On(Bdat bdat) {
  chunk_ = {bdat.size, bdat.last, std::nullopt};
  bdat_.BeginChunk(bdat.size);
  if (!options_.offer.Has(Extension::kChunking)) {
    chunk_.refusal = replies::kNotImplemented;
  } else if (phase_ == Phase::kHello) {
    chunk_.refusal = replies::kHelloFirst;
  } else if (!transaction_.open) {
    chunk_.refusal = replies::kNeedMail;
  } else if (transaction_.failed) {
    chunk_.refusal = replies::kResetNeeded;
  } else if (transaction_.recipients == 0) {
    chunk_.refusal = options_.protocol == Protocol::kLmtp ? replies::kNeedRecipient : replies::kNoValidRecipients;
  } else if (!transaction_.chunking) {
    transaction_.chunking = true;
    bdat_ = BdatReader(MaxSize());
    bdat_.BeginChunk(bdat.size);
    return Await(Pending::kBeginChunk, server::BeginContent{true});
  }
  if (chunk_.refusal) CountBad();
  phase_before_chunk_ = phase_;
  phase_ = Phase::kChunk;
  return server::NeedInput{};  // OnCommand() goes on with the chunk
}

Event ServerMachine::On(Rset) {
  EndTransaction();
  content_.clear();
  Write(replies::kReset);
  return server::TransactionReset{};
}

Event ServerMachine::On(Noop) { return Say(replies::kOk); }

Event ServerMachine::On(Quit) { return CloseWith(replies::kBye, server::CloseReason::kQuit); }

Event ServerMachine::On(Vrfy vrfy) { return Await(Pending::kOther, server::VrfyReceived{std::move(vrfy)}); }

Event ServerMachine::On(Expn expn) { return Await(Pending::kOther, server::ExpnReceived{std::move(expn)}); }

Event ServerMachine::On(Help help) { return Await(Pending::kOther, server::HelpReceived{std::move(help)}); }

Event ServerMachine::On(Etrn etrn) {
  if (!options_.offer.Has(Extension::kEtrn)) return Bad(replies::kNotImplemented);
  return Await(Pending::kOther, server::EtrnReceived{std::move(etrn)});
}

// OnStartTls() takes it, since it needs the input.
Event ServerMachine::On(StartTls) { return Bad(replies::kNotImplemented); }

Event ServerMachine::OnStartTls(std::string_view& input) {
  if (tls_active_) return Bad(replies::kTlsActive);
  if (!options_.offer.Has(Extension::kStartTls)) return Bad(replies::kNotImplemented);
  // RFC 3207, 6: what stands behind the command could have been put there by anybody; it is no part of what follows,
  // whatever the answer will be.
  const size_t discarded = input.size();
  input = {};
  lines_.Reset();
  return Await(Pending::kStartTls, server::StartTlsReceived{discarded});
}

Event ServerMachine::On(Auth auth) {
  if (phase_ == Phase::kHello) return Bad(replies::kHelloFirst);
  // RFC 4954, 4: once only, and not during a transaction.
  if (authenticated_) return Bad(replies::kAlreadyAuthenticated);
  if (transaction_.open) return Bad(replies::kBadSequence);
  if (!options_.offer.Has(Extension::kAuth)) {
    const bool after_tls = !tls_active_ && options_.offer.Has(Extension::kStartTls);
    return Bad(after_tls ? replies::kStartTlsFirst : replies::kNotImplemented);
  }
  if (!options_.offer.HasMechanism(auth.mechanism)) return Bad(replies::kUnknownMechanism);
  return Await(Pending::kAuth, server::AuthReceived{std::move(auth)});
}

void ServerMachine::Answer(const Reply& reply) {
  const Pending pending = std::exchange(pending_, Pending::kNone);
  switch (pending) {
    case Pending::kNone:
      return;
    case Pending::kHello:
      AnswerHello(reply);
      break;
    case Pending::kMail:
      AnswerMail(reply);
      break;
    case Pending::kRcpt:
      Write(reply);
      if (reply.IsPositive()) ++transaction_.recipients;
      break;
    case Pending::kBeginData:
      AnswerBeginData(reply);
      break;
    case Pending::kBeginChunk:
      AnswerBeginChunk(reply);
      break;
    case Pending::kEndContent:
      AnswerEnd(reply);
      break;
    case Pending::kStartTls:
      Write(reply);
      if (reply.code == replies::kReadyForTlsCode) phase_ = Phase::kTls;
      break;
    case Pending::kAuth:
      AnswerAuth(reply);
      break;
    case Pending::kOther:
      Write(reply);
      break;
  }
  // RFC 5321, 3.8: 421 announces the end of the connection.
  if (reply.code == replies::kClosingCode && pending_ == Pending::kNone && phase_ != Phase::kChunk) {
    close_ = server::CloseReason::kShutdown;
  }
}

void ServerMachine::AnswerAll(const Reply& reply) {
  if (pending_ != Pending::kEndContent) return Answer(reply);
  while (pending_ == Pending::kEndContent) Answer(reply);
}

void ServerMachine::AnswerHello(const Reply& reply) {
  // RFC 2034, 4: the replies to HELO and EHLO have no enhanced codes.
  if (!reply.IsPositive()) return AppendReply(reply, false, output_);
  extended_ = hello_verb_ != Verb::kHelo;
  EndTransaction();
  content_.clear();
  phase_ = Phase::kReady;
  AppendReply(extended_ ? BuildEhloReply(options_.name, options_.offer) : BuildEhloReply(options_.name, {}), false,
              output_);
}

void ServerMachine::AnswerMail(const Reply& reply) {
  Write(reply);
  if (reply.IsPositive()) transaction_ = next_;
}

void ServerMachine::AnswerBeginData(const Reply& reply) {
  Write(reply);
  if (reply.code == replies::kStartMailInputCode) {
    data_ = DataReader(MaxSize());
    phase_ = Phase::kData;
  } else if (reply.code != replies::kClosingCode) {
    CloseIfContentFollows();
  }
}

void ServerMachine::AnswerBeginChunk(const Reply& reply) {
  phase_before_chunk_ = phase_;
  phase_ = Phase::kChunk;
  if (reply.code != replies::kStartMailInputCode) chunk_.refusal = reply;
}

void ServerMachine::AnswerEnd(const Reply& reply) {
  Write(reply);
  if (reply.IsPositive()) bad_commands_ = 0;
  if (unanswered_ > 1) {
    --unanswered_;
    pending_ = Pending::kEndContent;
    return;
  }
  EndTransaction();
}

void ServerMachine::AnswerAuth(const Reply& reply) {
  Write(reply);
  phase_ = Phase::kReady;
  if (reply.code == replies::kAuthenticatedCode) authenticated_ = true;
}

void ServerMachine::Challenge(std::string_view challenge) {
  if (pending_ != Pending::kAuth) return;
  pending_ = Pending::kNone;
  phase_ = Phase::kAuth;
  lines_.set_max_line(std::max(kAuthLine, CommandLineLimit(options_.offer.extensions)));
  // Not by AppendReply: a challenge may be longer than a reply line and must not be folded.
  output_.append(std::to_string(replies::kAuthChallengeCode)).append(" ");
  output_.append(base::Base64Encode(challenge)).append("\r\n");
}

}  // namespace mailmesh::smtp
