// APPEND (RFC 3501, 6.3.11), with APPENDUID (RFC 4315, 3) and several messages (RFC 3502), all or none.
//
// What can be refused is refused before the client has sent the message: it waits for "+" unless it uses LITERAL+.
#include "common/base/random.h"
#include "common/base/status.h"
#include "services/imap_gateway/append_message.h"
#include "services/imap_gateway/flags.h"
#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

using imap::Code;
using imap::CommandReader;
using Kind = CommandReader::Kind;

// Octets that one AppendMessages request carries itself; messages beyond are uploaded ahead. gRPC takes 4 MiB.
constexpr size_t kMaxInlineInAll = 1024 * 1024;
constexpr int kMaxMessages = 1000;
// A mailbox that is not there is told before a message of this size is sent for nothing.
constexpr uint64_t kCheckMailboxAbove = 64 * 1024;

mailbox::v1::NewMessage* AddMessage(const imap::AppendMessage& message, mailbox::v1::AppendMessagesRequest& request) {
  mailbox::v1::NewMessage* added = request.add_messages();
  *added->mutable_flags() = ToFlagList(message.flags);
  if (message.date.has_value()) {
    added->mutable_internal_date()->set_seconds(message.date->unix_seconds);
    added->set_internal_date_zone_minutes(message.date->zone_minutes);
  }
  return added;
}

}  // namespace

// Without a literal it is a syntax error, which the parser has found.
Session::Result Session::On(imap::Append) { co_return Bad("APPEND needs a message."); }

Session::Result Session::ServeAppend(CommandReader::Event event) {
  const net::TimePoint start = net::Clock::now();
  imap::ParsedCommand parsed = imap::ParseAppend(event.text, event.literal);
  tag_ = parsed.tag;
  replied_ = false;
  Next next = Next::kGoOn;
  if (!parsed.command.ok()) {
    commands_.Refuse();
    if (absl::IsFailedPrecondition(parsed.command.status())) {
      No(Code::kCannot, base::Message(parsed.command.status()));
    } else {
      Bad(base::Message(parsed.command.status()));
    }
  } else if (!MayRun(imap::Verb::kAppend)) {
    commands_.Refuse();
  } else {
    next = co_await ReadAppend(std::move(parsed), event.literal.synchronizing);
  }
  if (next == Next::kClose) co_return next;
  next = co_await Finish(imap::Verb::kAppend, false);
  CountCommand(imap::Verb::kAppend, start);
  co_return next;
}

net::Awaitable<absl::Status> Session::CheckAppend(const std::string& mailbox, const imap::AppendMessage& message) {
  // RFC 3502, 6.3.11: "A zero-length message literal argument is an error, and MUST return a NO."
  if (message.size == 0) co_return absl::InvalidArgumentError("empty message");
  if (message.size > gateway_.max_append_bytes) {
    co_return rpc::MakeError(absl::StatusCode::kResourceExhausted, type::v1::ERROR_REASON_TOO_LARGE, "message");
  }
  if (message.size <= kCheckMailboxAbove) co_return absl::OkStatus();
  mailbox::v1::GetMailboxStatusRequest request;
  request.add_mailboxes(mailbox);
  auto response = co_await store_->Call(&Methods::GetMailboxStatus, request);
  if (!response.ok()) co_return response.status();
  if (response->statuses_size() != 1 || response->statuses(0).mailbox_id().empty()) {
    co_return rpc::MakeError(absl::StatusCode::kNotFound, type::v1::ERROR_REASON_MAILBOX_NOT_FOUND, "mailbox");
  }
  co_return absl::OkStatus();
}

// Reads the messages one after the other; whatever is wrong, the rest of the command is skipped and it is answered once.
Session::Result Session::ReadAppend(imap::ParsedCommand parsed, bool synchronizing) {
  imap::Append command = std::move(std::get<imap::Append>(*parsed.command));
  imap::AppendMessage message = std::move(command.message);
  mailbox::v1::AppendMessagesRequest request;
  request.set_request_id(base::NewIdText());
  request.set_mailbox(command.mailbox);
  size_t inlined = 0;
  for (;;) {
    // RFC 3516 is not offered: literal8 is not for messages here.
    if (message.binary || message.utf8) {
      commands_.Refuse();
      co_return No(imap::ResponseCode(Code::kUnknownCte), "literal8 is not offered.");
    }
    absl::Status status = co_await CheckAppend(command.mailbox, message);
    if (status.ok() && request.messages_size() >= kMaxMessages) {
      status = rpc::MakeError(absl::StatusCode::kResourceExhausted, type::v1::ERROR_REASON_LIMIT, "messages");
    }
    if (!status.ok()) {
      commands_.Refuse();
      co_return Fail(status, "APPEND", About::kDestination);
    }
    commands_.Accept();
    if (synchronizing) imap::AppendContinuation(out_, "OK");
    MessageIntake intake(*store_, message.size, inlined + message.size <= kMaxInlineInAll);
    std::optional<CommandReader::Event> event;
    for (;;) {
      event = co_await NextEvent();
      if (!event.has_value()) co_return Next::kClose;
      if (event->kind != Kind::kAppendData) break;
      status = co_await intake.Add(event->text);
      if (status.ok()) continue;
      commands_.Refuse();
      co_return Fail(status, "APPEND", About::kDestination);
    }
    if (event->kind != Kind::kAppendLiteralEnd) {
      co_return co_await AppendBroken(*event);
    }
    if (message.size <= kMaxInline) inlined += message.size;
    auto body = co_await intake.Finish();
    if (!body.ok()) {
      commands_.Refuse();
      co_return Fail(body.status(), "APPEND", About::kDestination);
    }
    *AddMessage(message, request)->mutable_body() = std::move(*body);
    event = co_await NextEvent();
    if (!event.has_value()) co_return Next::kClose;
    if (event->kind == Kind::kAppendEnd) {
      status = imap::ParseAppendEnd(event->text, message);
      if (!status.ok()) co_return Bad(base::Message(status));
      co_return co_await CommitAppend(std::move(request));
    }
    if (event->kind != Kind::kAppendLiteral) {
      co_return co_await AppendBroken(*event);
    }
    synchronizing = event->literal.synchronizing;
    auto following = imap::ParseNextAppendMessage(event->text, event->literal, message);
    if (!following.ok()) {
      commands_.Refuse();
      co_return Bad(base::Message(following.status()));
    }
    message = std::move(*following);
  }
}

// The reader found something that cannot be within APPEND.
Session::Result Session::AppendBroken(CommandReader::Event event) {
  if (event.kind == Kind::kFatal) {
    Bye(Code::kNone, "Too much to skip.");
    co_return Next::kClose;
  }
  // RFC 7888, 5: also of the second message and later ones "the tagged BAD response MUST contain the TOOBIG response code".
  if (event.kind == Kind::kError && event.error == CommandReader::Error::kNonSyncTooLarge) {
    co_return Reply(imap::Condition::kBad, Code::kTooBig, "Command is too large.");
  }
  co_return Bad("Error in APPEND.");
}

Session::Result Session::CommitAppend(mailbox::v1::AppendMessagesRequest request) {
  request.mutable_facts()->set_correlation_id(trace_.trace_id);
  request.mutable_facts()->set_protocol("IMAP");
  request.mutable_facts()->set_peer_address(stream_.peer_address().is_unix() ? "unix"
                                                                             : stream_.peer_address().ip().ToString());
  request.mutable_facts()->set_authenticated_account_id(store_->account_id());
  auto response = co_await store_->Call(&Methods::AppendMessages, request);
  if (!response.ok()) co_return Fail(response.status(), "APPEND", About::kDestination);
  // RFC 3501, 6.3.11: a message appended to the selected mailbox is told at once.
  if (selected_ != nullptr && selected_->id == response->mailbox_id()) co_await AwaitChange(response->modseq());
  imap::SequenceSet uids;
  for (uint32_t uid : response->uids()) uids.Add(uid);
  co_return Ok(imap::ResponseCode::AppendUid(UidValidity(response->uid_validity()), uids), "Append completed.");
}

}  // namespace mailmesh::imap_gateway
