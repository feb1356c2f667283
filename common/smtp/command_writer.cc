#include "common/smtp/command_writer.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

namespace mailmesh::smtp {
namespace {

// RFC 4954, 5: <> or xtext of the mailbox.
std::string AuthValue(const ReversePath& path) { return path.is_null() ? "<>" : EncodeXtext(path.mailbox->ToString()); }

std::string_view BodyValue(Body body) {
  switch (body) {
    case Body::k7Bit:
      return "7BIT";
    case Body::k8BitMime:
      return "8BITMIME";
    case Body::kBinaryMime:
      return "BINARYMIME";
  }
  return "7BIT";
}

bool MayName(Body body, ExtensionSet offered) {
  if (body == Body::kBinaryMime) return offered.Has(Extension::kBinaryMime);
  return offered.Has(Extension::k8BitMime) || offered.Has(Extension::kBinaryMime);
}

}  // namespace

void AppendHello(Verb verb, std::string_view name, std::string& out) {
  out.append(VerbName(verb)).push_back(' ');
  const size_t from = out.size();
  out.append(name);
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(from), out.end(), [](char c) { return c <= ' ' || c > '~'; }, '?');
  out.append("\r\n");
}

void AppendMail(const Mail& mail, ExtensionSet offered, std::string& out) {
  out.append("MAIL FROM:").append(mail.reverse_path.ToString());
  if (mail.size && offered.Has(Extension::kSize)) absl::StrAppend(&out, " SIZE=", *mail.size);
  if (mail.body && MayName(*mail.body, offered)) out.append(" BODY=").append(BodyValue(*mail.body));
  if (mail.smtputf8 && offered.Has(Extension::kSmtpUtf8)) out.append(" SMTPUTF8");
  if (mail.require_tls && offered.Has(Extension::kRequireTls)) out.append(" REQUIRETLS");
  if (offered.Has(Extension::kDsn)) {
    if (mail.ret) out.append(" RET=").append(ToString(*mail.ret));
    if (mail.envid) out.append(" ENVID=").append(EncodeXtext(*mail.envid));
  }
  if (mail.auth && offered.Has(Extension::kAuth)) out.append(" AUTH=").append(AuthValue(*mail.auth));
  out.append("\r\n");
}

void AppendRcpt(const Rcpt& rcpt, ExtensionSet offered, bool smtputf8, std::string& out) {
  out.append("RCPT TO:<").append(rcpt.forward_path.ToString()).push_back('>');
  if (offered.Has(Extension::kDsn)) {
    if (rcpt.notify.given()) out.append(" NOTIFY=").append(ToString(rcpt.notify));
    if (rcpt.orcpt) out.append(" ORCPT=").append(FormatOrcpt(*rcpt.orcpt, smtputf8));
  }
  out.append("\r\n");
}

void AppendBdat(uint64_t size, bool last, std::string& out) {
  absl::StrAppend(&out, "BDAT ", size, last ? " LAST\r\n" : "\r\n");
}

void AppendBare(Verb verb, std::string& out) { out.append(VerbName(verb)).append("\r\n"); }

}  // namespace mailmesh::smtp
