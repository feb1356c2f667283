#include "services/smtp_ingress/trace.h"

#include "absl/strings/str_cat.h"
#include "common/mime/date.h"

namespace mailmesh::smtp_ingress {

std::string ReceivedField(const TraceFacts& facts) {
  const std::string from = facts.helo.empty() ? facts.peer_literal : facts.helo;
  std::string field = absl::StrCat("Received: from ", from, " (", facts.peer_literal, ")\r\n\tby ", facts.hostname, " with ",
                                   facts.protocol);
  if (!facts.tls.empty()) absl::StrAppend(&field, " (", facts.tls, ")");
  absl::StrAppend(&field, "\r\n\tid ", facts.id);
  if (!facts.single_recipient.empty()) absl::StrAppend(&field, "\r\n\tfor <", facts.single_recipient, ">");
  mime::DateTime date;
  date.unix_seconds = facts.unix_seconds;
  absl::StrAppend(&field, ";\r\n\t", mime::FormatDateTime(date), "\r\n");
  return field;
}

std::string ReturnPathField(const std::string& reverse_path) { return absl::StrCat("Return-Path: <", reverse_path, ">\r\n"); }

std::string ProtocolName(bool lmtp, bool extended, bool utf8, bool tls, bool authenticated) {
  const char* name = lmtp ? (utf8 ? "UTF8LMTP" : "LMTP") : utf8 ? "UTF8SMTP" : extended ? "ESMTP" : "SMTP";
  return absl::StrCat(name, tls ? "S" : "", authenticated ? "A" : "");
}

}  // namespace mailmesh::smtp_ingress
