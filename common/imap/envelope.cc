#include "common/imap/envelope.h"

#include "common/imap/quote.h"

namespace mailmesh::imap {
namespace {

void AppendAddress(std::string& out, const mime::Address& address) {
  switch (address.kind) {
    case mime::Address::Kind::kGroupStart:
      // RFC 3501, 7.4.2: a host that is NIL marks a group, whose name is the mailbox.
      out.append("(NIL NIL ");
      AppendString(out, address.local_part);
      out.append(" NIL)");
      return;
    case mime::Address::Kind::kGroupEnd:
      out.append("(NIL NIL NIL NIL)");
      return;
    case mime::Address::Kind::kMailbox:
      break;
  }
  out.push_back('(');
  AppendNString(out, address.name);
  out.push_back(' ');
  AppendNString(out, address.route);
  out.push_back(' ');
  AppendString(out, address.local_part);
  out.push_back(' ');
  AppendString(out, address.domain);
  out.push_back(')');
}

}  // namespace

void AppendAddressList(std::string& out, const std::vector<mime::Address>& addresses) {
  if (addresses.empty()) {
    out.append("NIL");
    return;
  }
  out.push_back('(');
  // RFC 3501, 9 (env-from): no spaces between them.
  for (const mime::Address& address : addresses) AppendAddress(out, address);
  out.push_back(')');
}

void AppendEnvelope(std::string& out, const mime::Envelope& envelope) {
  out.push_back('(');
  AppendNString(out, envelope.date);
  out.push_back(' ');
  AppendNString(out, envelope.subject);
  for (const auto* addresses :
       {&envelope.from, &envelope.sender, &envelope.reply_to, &envelope.to, &envelope.cc, &envelope.bcc}) {
    out.push_back(' ');
    AppendAddressList(out, *addresses);
  }
  out.push_back(' ');
  AppendNString(out, envelope.in_reply_to);
  out.push_back(' ');
  AppendNString(out, envelope.message_id);
  out.push_back(')');
}

}  // namespace mailmesh::imap
