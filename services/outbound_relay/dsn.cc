#include "services/outbound_relay/dsn.h"

#include "absl/strings/str_cat.h"
#include "common/mime/compose.h"
#include "common/mime/date.h"
#include "common/mime/header.h"

namespace mailmesh::outbound_relay {
namespace {

std::string Date(int64_t ms) {
  mime::DateTime date;
  date.unix_seconds = ms / 1000;
  return mime::FormatDateTime(date);
}

bool IsAscii(const std::string& text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

// RFC 3464, 2.3.2; RFC 6533, 3 for addresses that are not ASCII.
std::string TypedAddress(const std::string& address) { return absl::StrCat(IsAscii(address) ? "rfc822; " : "utf-8; ", address); }

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

std::string HumanText(const DsnRequest& request) {
  std::string text = absl::StrCat("This is the mail system at host ", request.hostname, ".\r\n\r\n");
  switch (request.kind) {
    case DsnKind::kFailure:
      absl::StrAppend(&text, "Your message could not be delivered to the recipients below. No further attempt will be made.\r\n\r\n");
      break;
    case DsnKind::kDelay:
      absl::StrAppend(&text, "Your message has not been delivered yet to the recipients below. You need not send it again:\r\nattempts go on until ",
                      Date(request.retry_until_ms), ".\r\n\r\n");
      break;
    case DsnKind::kSuccess:
      absl::StrAppend(&text, "Your message was delivered, or handed to a server that sends no reports of delivery, for the recipients below.\r\n\r\n");
      break;
  }
  for (const auto* recipient : request.recipients) {
    absl::StrAppend(&text, "<", recipient->forward_path(), ">:\r\n    ", recipient->last_reply(), "\r\n\r\n");
  }
  return text;
}

std::string PerMessageFields(const DsnRequest& request) {
  std::string fields;
  if (!request.item.envelope_id().empty()) mime::AppendField(&fields, "Original-Envelope-Id", request.item.envelope_id());
  mime::AppendField(&fields, "Reporting-MTA", absl::StrCat("dns; ", request.hostname));
  mime::AppendField(&fields, "Arrival-Date", Date(request.item.queued_ms()));
  return fields + "\r\n";
}

std::string PerRecipientFields(const DsnRequest& request, const storage::v1::StoredQueueRecipient& recipient) {
  std::string fields;
  if (!recipient.original_recipient().empty()) mime::AppendField(&fields, "Original-Recipient", recipient.original_recipient());
  mime::AppendField(&fields, "Final-Recipient", TypedAddress(recipient.forward_path()));
  mime::AppendField(&fields, "Action", ActionOf(request.kind, recipient));
  // A server without enhanced codes has said nothing but its reply's first digit.
  const bool said = !recipient.last_status().empty() && recipient.last_status() != "0.0.0";
  mime::AppendField(&fields, "Status", said ? recipient.last_status() : FallbackStatus(request.kind));
  if (!recipient.last_next_hop().empty()) mime::AppendField(&fields, "Remote-MTA", absl::StrCat("dns; ", recipient.last_next_hop()));
  if (!recipient.last_reply().empty()) mime::AppendField(&fields, "Diagnostic-Code", absl::StrCat("smtp; ", recipient.last_reply()));
  mime::AppendField(&fields, "Last-Attempt-Date", Date(request.now_ms));
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
  const bool utf8 = !IsAscii(request.original) || request.item.smtputf8();
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
  if (utf8) mime::AppendField(&out, "Content-Transfer-Encoding", "8bit");
  absl::StrAppend(&out, "\r\nThis is a message in MIME format.\r\n\r\n--", boundary, "\r\nContent-Type: text/plain; charset=utf-8\r\n",
                  utf8 ? "Content-Transfer-Encoding: 8bit\r\n" : "", "\r\n", HumanText(request));
  absl::StrAppend(&out, "--", boundary, "\r\nContent-Type: ", utf8 ? "message/global-delivery-status" : "message/delivery-status", "\r\n\r\n",
                  PerMessageFields(request));
  for (const auto* recipient : request.recipients) absl::StrAppend(&out, PerRecipientFields(request, *recipient));
  // RFC 3461, 4.3: RET is about failures; of what arrived, or may yet, the header is enough.
  const bool full = request.kind == DsnKind::kFailure && request.original_is_whole && request.item.dsn_return() != 2;
  absl::StrAppend(&out, "--", boundary, "\r\nContent-Type: ",
                  full ? (utf8 ? "message/global" : "message/rfc822") : (utf8 ? "message/global-headers" : "text/rfc822-headers"),
                  utf8 ? "\r\nContent-Transfer-Encoding: 8bit" : "", "\r\n\r\n");
  out += full ? request.original : request.original.substr(0, mime::FindHeaderEnd(request.original));
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
  item.set_smtputf8(!IsAscii(request.item.reverse_path()));
  item.set_eight_bit(!IsAscii(notification.octets));
  item.set_correlation_id(request.item.correlation_id());
  item.set_queued_ms(request.now_ms);
  item.set_next_attempt_ms(request.now_ms);
  return notification;
}

}  // namespace mailmesh::outbound_relay
