// ClientMachine: one transaction, from MAIL to the outcome of each recipient.
#include <algorithm>

#include "common/smtp/client_machine.h"
#include "common/smtp/command_writer.h"
#include "common/smtp/replies.h"

namespace mailmesh::smtp {

using client::Event;

namespace {

absl::Status NotNow() { return absl::FailedPreconditionError("smtp client: not in this state"); }

Verdict VerdictOf(const Reply& reply) {
  if (reply.IsPositive()) return Verdict::kDelivered;
  return reply.IsPermanent() ? Verdict::kPermanent : Verdict::kTemporary;
}

}  // namespace

bool ClientMachine::chunking() const {
  // Chunks are sent without waiting for each reply, which RFC 2920 allows only where PIPELINING is offered.
  const bool possible = offer_.Has(Extension::kChunking) && offer_.Has(Extension::kPipelining);
  return possible && (options_.use_chunking || transaction_.mail.body == Body::kBinaryMime);
}

absl::Status ClientMachine::Begin(Transaction transaction) {
  if (state_ != State::kReady || ready_event_) return NotNow();
  if (transaction.recipients.empty()) return absl::InvalidArgumentError("smtp client: no recipients");
  transaction_ = std::move(transaction);
  const std::vector<Rcpt>& recipients = transaction_.recipients;
  // RFC 6531, 3.4: a path with UTF-8 in it needs the parameter.
  const ReversePath& from = transaction_.mail.reverse_path;
  if ((!from.is_null() && !from.mailbox->IsAscii()) ||
      std::any_of(recipients.begin(), recipients.end(), [](const Rcpt& r) { return !r.forward_path.IsAscii(); })) {
    transaction_.mail.smtputf8 = true;
  }
  outcomes_.assign(recipients.size(), {});
  accepted_.clear();
  next_recipient_ = 0;
  rcpts_in_flight_ = 0;
  mail_sent_ = mail_accepted_ = mail_refused_ = data_sent_ = data_go_ = content_refused_ = false;
  writer_ = DataWriter(options_.stray);
  normaliser_ = {};
  held_chunk_ = {};
  if (const std::optional<Reply> refusal = RefusalFor(transaction_, offer_)) {
    DecidePending(VerdictOf(*refusal), Stage::kMail, *refusal, true);
    ready_event_ = client::TransactionDone{};
    return absl::OkStatus();
  }
  in_transaction_ = true;
  state_ = State::kEnvelope;
  SendEnvelope();
  return absl::OkStatus();
}

void ClientMachine::SendEnvelope() {
  const size_t window = offer_.Has(Extension::kPipelining) ? std::max<size_t>(options_.max_in_flight, 1) : 1;
  while (expected_.size() < window && SendNextOfEnvelope()) {
  }
}

// False when there is nothing more to send, or not before the replies that are awaited.
bool ClientMachine::SendNextOfEnvelope() {
  if (needs_reset_) {
    needs_reset_ = false;
    AppendBare(Verb::kRset, output_);
    Expect(Sent::kReset);
    return true;
  }
  if (!mail_sent_) {
    mail_sent_ = true;
    AppendMail(transaction_.mail, offer_.extensions, output_);
    Expect(Sent::kMail);
    return true;
  }
  if (mail_refused_) return false;
  if (next_recipient_ < transaction_.recipients.size()) {
    AppendRcpt(transaction_.recipients[next_recipient_], offer_.extensions, transaction_.mail.smtputf8, output_);
    Expect(Sent::kRcpt, next_recipient_++);
    ++rcpts_in_flight_;
    return true;
  }
  // RFC 2920, 3.1: DATA may end the group. It may turn out to have no recipients; see BeginContent().
  if (data_sent_ || chunking() || (accepted_.empty() && rcpts_in_flight_ == 0)) return false;
  data_sent_ = true;
  AppendBare(Verb::kData, output_);
  Expect(Sent::kData);
  return true;
}

ClientMachine::Step ClientMachine::OnMail(const Reply& reply) {
  if (reply.IsIntermediate()) return Fail(replies::kBadServerReply);
  if (reply.IsPositive()) {
    mail_accepted_ = true;
  } else {
    mail_refused_ = true;
    DecidePending(VerdictOf(reply), Stage::kMail, reply, false);
  }
  return Advance();
}

ClientMachine::Step ClientMachine::OnRcpt(size_t recipient, const Reply& reply) {
  if (reply.IsIntermediate()) return Fail(replies::kBadServerReply);
  --rcpts_in_flight_;
  if (mail_refused_) return Advance();  // it answers what the refusal of MAIL has decided
  if (reply.IsPositive()) {
    accepted_.push_back(recipient);
  } else {
    // RFC 5321, 4.5.3.1.10: 552 to RCPT means "too many recipients" on some servers, and is to be read as 452.
    const Verdict verdict = reply.code == replies::kStorageExceededCode ? Verdict::kTemporary : VerdictOf(reply);
    Decide(recipient, verdict, Stage::kRcpt, reply, false);
  }
  return Advance();
}

ClientMachine::Step ClientMachine::OnData(const Reply& reply) {
  if (reply.code == replies::kStartMailInputCode) {
    data_go_ = true;
  } else if (reply.IsPositive() || reply.IsIntermediate()) {
    return Fail(replies::kBadServerReply);
  } else {
    DecidePending(VerdictOf(reply), Stage::kContent, reply, false);
  }
  return Advance();
}

// What follows when a reply of the envelope, or the last one of the content, has been seen.
ClientMachine::Step ClientMachine::Advance() {
  if (state_ == State::kEnvelope) SendEnvelope();
  if (!expected_.empty()) return std::nullopt;
  if (state_ == State::kEnvelope) return BeginContent();
  if (state_ == State::kAwaitEnd) return Finish();
  return std::nullopt;
}

ClientMachine::Step ClientMachine::BeginContent() {
  if (data_go_ && accepted_.empty()) {
    // RFC 2920, 3.1: none of the recipients was taken, but DATA was: the client sends a single dot. LMTP has no reply
    // to count then (one for each accepted recipient), so the connection cannot be used on.
    if (options_.protocol == Protocol::kLmtp) {
      in_transaction_ = false;
      state_ = State::kClosed;
      return client::TransactionDone{};
    }
    output_.append(".\r\n");
    Expect(Sent::kEmptyEnd);
    content_refused_ = true;
    mail_accepted_ = false;  // the dot ends the server's transaction too
    state_ = State::kAwaitEnd;
    return std::nullopt;
  }
  const bool any_left = std::any_of(outcomes_.begin(), outcomes_.end(),
                                    [](const Outcome& outcome) { return outcome.verdict == Verdict::kPending; });
  if (!any_left) return Finish();
  state_ = State::kContent;
  return client::SendContent{};
}

absl::Status ClientMachine::SendContent(std::string_view chunk) {
  if (state_ != State::kContent) return NotNow();
  if (content_refused_ || chunk.empty()) return absl::OkStatus();
  if (!chunking()) {
    writer_.Write(chunk, output_);
  } else {
    // One is held back, so that the last one says LAST: an empty last chunk would be one more to send, and a surprise to some.
    std::string next;
    if (options_.stray == StrayLineEndings::kKeep || transaction_.mail.body == Body::kBinaryMime) {
      next.assign(chunk);
    } else {
      normaliser_.Write(chunk, next);
    }
    if (next.empty()) return absl::OkStatus();
    if (!held_chunk_.empty()) WriteChunk(held_chunk_, false);
    held_chunk_ = std::move(next);
  }
  return absl::OkStatus();
}

void ClientMachine::WriteChunk(std::string_view octets, bool last) {
  AppendBdat(octets.size(), last, output_);
  output_.append(octets);
  if (!last) Expect(Sent::kChunk);
}

absl::Status ClientMachine::EndContent() {
  if (state_ != State::kContent) return NotNow();
  state_ = State::kAwaitEnd;
  if (content_refused_) {
    // RFC 3030, 2: no more chunks after one was refused.
    if (expected_.empty()) ready_event_ = Finish();
    return absl::OkStatus();
  }
  if (chunking()) {
    normaliser_.Finish(held_chunk_);
    WriteChunk(held_chunk_, true);
    held_chunk_ = {};
  } else {
    writer_.Finish(output_);
  }
  if (options_.protocol == Protocol::kLmtp) {
    // RFC 2033, 4.2: one reply for each accepted recipient, in their order.
    for (size_t recipient : accepted_) Expect(Sent::kEnd, recipient);
  } else {
    Expect(Sent::kEnd);
  }
  return absl::OkStatus();
}

ClientMachine::Step ClientMachine::OnChunk(const Reply& reply) {
  if (reply.IsIntermediate()) return Fail(replies::kBadServerReply);
  if (!reply.IsPositive() && !content_refused_) {
    content_refused_ = true;
    DecidePending(VerdictOf(reply), Stage::kContent, reply, false);
  }
  return Advance();
}

ClientMachine::Step ClientMachine::OnEnd(size_t recipient, const Reply& reply) {
  if (reply.IsIntermediate()) return Fail(replies::kBadServerReply);
  if (!content_refused_) {
    mail_accepted_ = false;  // accepted or not, the server's transaction is over
    if (options_.protocol == Protocol::kLmtp) {
      Decide(recipient, VerdictOf(reply), Stage::kEnd, reply, false);
    } else {
      DecidePending(VerdictOf(reply), Stage::kEnd, reply, false);
    }
  }
  return Advance();
}

Event ClientMachine::Finish() {
  // A transaction that the server took and that did not come to its end is still open there.
  needs_reset_ = mail_accepted_;
  in_transaction_ = false;
  state_ = State::kReady;
  return client::TransactionDone{};
}

void ClientMachine::Decide(size_t recipient, Verdict verdict, Stage stage, const Reply& reply, bool local) {
  Outcome& outcome = outcomes_[recipient];
  if (outcome.verdict != Verdict::kPending) return;
  outcome = {verdict, stage, reply, local};
}

void ClientMachine::DecidePending(Verdict verdict, Stage stage, const Reply& reply, bool local) {
  for (size_t i = 0; i < outcomes_.size(); ++i) Decide(i, verdict, stage, reply, local);
}

}  // namespace mailmesh::smtp
