#include "services/outbound_relay/dsn.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/mime/compose.h"
#include "common/mime/date.h"
#include "common/mime/header.h"
#include "common/text/utf8_repair.h"

namespace mailmesh::outbound_relay {
namespace {

constexpr size_t kLine = 78;
// Less than what one line may have: RFC 5322, 2.1.1.
constexpr size_t kMaxReply = 900;

std::string Date(int64_t ms) {
  mime::DateTime date;
  date.unix_seconds = ms / 1000;
  return mime::FormatDateTime(date);
}

// RFC 3464, 2.3.2; RFC 6533, 3 for addresses that are not ASCII.
std::string TypedAddress(const std::string& address) { return absl::StrCat(text::IsAscii(address) ? "rfc822; " : "utf-8; ", address); }

const char* SubjectOf(DsnKind kind) {
  switch (kind) {
    case DsnKind::kFailure:
      return "Undelivered mail returned to sender";
    case DsnKind::kDelay:
      return "Delayed mail (still being tried)";
    case DsnKind::kSuccess:
      return "Delivery report";
  }
  return "Delivery report";
}

// RFC 3464, 2.3.3. "relayed": handed to a server that tells nobody of a delivery (RFC 3461, 5.2.2).
const char* ActionOf(DsnKind kind, const Recipient& recipient) {
  switch (kind) {
    case DsnKind::kFailure:
      return "failed";
    case DsnKind::kDelay:
      return "delayed";
    case DsnKind::kSuccess:
      return IsLocal(recipient) ? "delivered" : "relayed";
  }
  return "failed";
}

const char* FallbackStatus(DsnKind kind) { return kind == DsnKind::kFailure ? "5.0.0" : kind == DsnKind::kDelay ? "4.0.0" : "2.0.0"; }

// RFC 6533, 3: octets above 127 stand in global reports only, and there they are UTF-8. Replies are cut to a bearable length.
std::string Printable(std::string_view octets, bool global) {
  std::string printable = global ? text::RepairUtf8(octets) : std::string(octets);
  if (!global) {
    for (char& c : printable) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
  }
  if (printable.size() <= kMaxReply) return printable;
  size_t size = kMaxReply;
  while (size > 0 && (static_cast<unsigned char>(printable[size]) & 0xc0) == 0x80) --size;
  return printable.substr(0, size) + " ...";
}

// RFC 5322, 2.1.1: in lines of 78 characters, where there are words.
std::string Wrapped(const std::string& text) {
  const std::vector<std::string> words = absl::StrSplit(text, absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty());
  std::string out;
  size_t column = 0;
  for (const std::string& word : words) {
    const bool begins = column == 0 || column + 1 + word.size() > kLine;
    if (begins && column > 0) out += "\r\n";
    out += begins ? "    " : " ";
    column = (begins ? 4 : column + 1) + word.size();
    out += word;
  }
  return out + "\r\n";
}

// RFC 6533, 3: a report needs the types for UTF-8 if the message did, or if an address that it names does. An 8-bit body
// alone asks for nothing but its transfer encoding.
bool NeedsGlobal(const DsnRequest& request) {
  const std::string_view original = request.original;
  if (request.item.smtputf8() || !text::IsAscii(original.substr(0, mime::FindHeaderEnd(original)))) return true;
  if (!text::IsAscii(request.item.reverse_path())) return true;
  for (const auto* recipient : request.recipients) {
    if (!text::IsAscii(recipient->forward_path()) || !text::IsAscii(recipient->original_recipient())) return true;
  }
  return false;
}

std::string HumanText(const DsnRequest& request, bool global) {
  std::string text = absl::StrCat("This is the mail system at host ", request.hostname, ".\r\n\r\n");
  switch (request.kind) {
    case DsnKind::kFailure:
      absl::StrAppend(&text, "Your message could not be delivered to the recipients below.\r\nNo further attempt will be made.\r\n\r\n");
      break;
    case DsnKind::kDelay:
      absl::StrAppend(&text, "Your message has not been delivered yet to the recipients below.\r\nYou need not send it again. Attempts go on until\r\n",
                      Date(request.retry_until_ms), ".\r\n\r\n");
      break;
    case DsnKind::kSuccess:
      absl::StrAppend(&text, "Your message was delivered, or handed to a server that sends no reports of\r\ndelivery, for the recipients below.\r\n\r\n");
      break;
  }
  for (const auto* recipient : request.recipients) {
    absl::StrAppend(&text, "<", recipient->forward_path(), ">:\r\n", Wrapped(Printable(recipient->last_reply(), global)), "\r\n");
  }
  return text;
}

std::string PerMessageFields(const DsnRequest& request, bool global) {
  std::string fields;
  if (!request.item.envelope_id().empty()) mime::AppendField(&fields, "Original-Envelope-Id", Printable(request.item.envelope_id(), global));
  mime::AppendField(&fields, "Reporting-MTA", absl::StrCat("dns; ", request.hostname));
  mime::AppendField(&fields, "Arrival-Date", Date(request.item.queued_ms()));
  return fields + "\r\n";
}

std::string PerRecipientFields(const DsnRequest& request, const storage::v1::StoredQueueRecipient& recipient, bool global) {
  std::string fields;
  if (!recipient.original_recipient().empty()) mime::AppendField(&fields, "Original-Recipient", recipient.original_recipient());
  mime::AppendField(&fields, "Final-Recipient", TypedAddress(recipient.forward_path()));
  mime::AppendField(&fields, "Action", ActionOf(request.kind, recipient));
  // A server without enhanced codes has said nothing but its reply's first digit.
  const bool said = !recipient.last_status().empty() && recipient.last_status() != "0.0.0";
  mime::AppendField(&fields, "Status", said ? recipient.last_status() : FallbackStatus(request.kind));
  // RFC 3464, 2.3.5 and 2.3.6: what another server said, and who that was; a shard of ours is none.
  if (!IsLocal(recipient) && recipient.last_reply_remote()) {
    if (!recipient.last_next_hop().empty()) mime::AppendField(&fields, "Remote-MTA", absl::StrCat("dns; ", recipient.last_next_hop()));
    std::string_view reply = recipient.last_reply();
    if (reply.starts_with(kExpired)) reply.remove_prefix(kExpired.size());
    mime::AppendField(&fields, "Diagnostic-Code", absl::StrCat("smtp; ", Printable(reply, global)));
  }
  if (recipient.last_attempt_ms() != 0) mime::AppendField(&fields, "Last-Attempt-Date", Date(recipient.last_attempt_ms()));
  if (request.kind == DsnKind::kDelay) mime::AppendField(&fields, "Will-Retry-Until", Date(request.retry_until_ms));
  return fields + "\r\n";
}

}  // namespace

bool WantsDsn(const Item& item, const storage::v1::StoredQueueRecipient& recipient, DsnKind kind) {
  if (item.reverse_path().empty() || recipient.notify_never()) return false;
  const bool given = recipient.notify_success() || recipient.notify_failure() || recipient.notify_delay();
  // RFC 3461, 4.1: what was not asked for by name is failure, and, as one likes, delay; never success.
  if (!given) return kind != DsnKind::kSuccess;
  switch (kind) {
    case DsnKind::kFailure:
      return recipient.notify_failure();
    case DsnKind::kDelay:
      return recipient.notify_delay();
    case DsnKind::kSuccess:
      return recipient.notify_success();
  }
  return false;
}

std::string BuildDsn(const DsnRequest& request) {
  const std::string boundary = mime::NewBoundary();
  const bool global = NeedsGlobal(request);
  // RFC 3461, 4.3: RET is about failures; of what arrived, or may yet, the header is enough.
  const bool full = request.kind == DsnKind::kFailure && request.original_is_whole && request.item.dsn_return() != 2;
  const std::string_view original = request.original;
  const std::string_view returned = full ? original : original.substr(0, mime::FindHeaderEnd(original));
  const bool eight_bit = global || !text::IsAscii(returned);
  std::string out;
  mime::AppendField(&out, "From", absl::StrCat("Mail Delivery System <", request.postmaster, ">"));
  mime::AppendField(&out, "To", absl::StrCat("<", request.item.reverse_path(), ">"));
  mime::AppendField(&out, "Subject", SubjectOf(request.kind));
  mime::AppendField(&out, "Date", Date(request.now_ms));
  mime::AppendField(&out, "Message-ID", mime::NewMessageId(request.hostname));
  // RFC 3834, 5: nobody is to answer this by machine.
  mime::AppendField(&out, "Auto-Submitted", "auto-replied");
  mime::AppendField(&out, "MIME-Version", "1.0");
  mime::AppendField(&out, "Content-Type", absl::StrCat("multipart/report; report-type=delivery-status; boundary=\"", boundary, "\""));
  if (eight_bit) mime::AppendField(&out, "Content-Transfer-Encoding", "8bit");
  absl::StrAppend(&out, "\r\nThis is a message in MIME format.\r\n\r\n--", boundary, "\r\nContent-Type: text/plain; charset=utf-8\r\n",
                  global ? "Content-Transfer-Encoding: 8bit\r\n" : "", "\r\n", HumanText(request, global));
  absl::StrAppend(&out, "--", boundary, "\r\nContent-Type: ",
                  global ? "message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit" : "message/delivery-status", "\r\n\r\n",
                  PerMessageFields(request, global));
  for (const auto* recipient : request.recipients) absl::StrAppend(&out, PerRecipientFields(request, *recipient, global));
  absl::StrAppend(&out, "--", boundary, "\r\nContent-Type: ",
                  full ? (global ? "message/global" : "message/rfc822") : (global ? "message/global-headers" : "text/rfc822-headers"),
                  eight_bit ? "\r\nContent-Transfer-Encoding: 8bit" : "", "\r\n\r\n");
  out += returned;
  if (!out.ends_with("\r\n")) out += "\r\n";
  absl::StrAppend(&out, "\r\n--", boundary, "--\r\n");
  return out;
}

Spool::Notification MakeNotification(const DsnRequest& request, QueueId id) {
  Spool::Notification notification;
  notification.id = std::move(id);
  notification.octets = BuildDsn(request);
  Item& item = notification.item;
  auto* recipient = item.add_recipients();
  recipient->set_forward_path(request.item.reverse_path());
  recipient->set_resolve(true);
  recipient->set_state(storage::v1::StoredQueueRecipient::STATE_QUEUED);
  // A notification of a notification's fate is never made: its sender is <>.
  item.set_smtputf8(!text::IsAscii(request.item.reverse_path()));
  item.set_eight_bit(!text::IsAscii(notification.octets));
  item.set_correlation_id(request.item.correlation_id());
  item.set_queued_ms(request.now_ms);
  item.set_next_attempt_ms(request.now_ms);
  return notification;
}

}  // namespace mailmesh::outbound_relay
