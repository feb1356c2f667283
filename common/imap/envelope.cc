#include "common/imap/envelope.h"

#include <charconv>
#include <system_error>

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

// Reads the wire form back, as far as it is needed.
class WireReader {
 public:
  explicit WireReader(std::string_view wire) : rest_(wire) {}

  bool Take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // NIL is empty. `out` may be null.
  bool String(std::string* out) {
    if (out != nullptr) out->clear();
    if (rest_.starts_with("NIL")) {
      rest_.remove_prefix(3);
      return true;
    }
    return Take('"') ? Quoted(out) : Take('{') && Literal(out);
  }

  // The strings of one address; `mailbox` may be null.
  bool Address(std::string* mailbox) {
    return Take('(') && String(nullptr) && Take(' ') && String(nullptr) && Take(' ') && String(mailbox) && Take(' ') &&
           String(nullptr) && Take(')');
  }

  bool SkipList() {
    if (!Take('(')) return String(nullptr);
    while (!Take(')')) {
      if (!Address(nullptr)) return false;
    }
    return true;
  }

 private:
  bool Quoted(std::string* out) {
    for (;;) {
      const size_t end = rest_.find_first_of("\"\\");
      if (end == std::string_view::npos || end + 1 >= rest_.size()) return false;
      if (out != nullptr) out->append(rest_.substr(0, end));
      const bool escaped = rest_[end] == '\\';
      if (escaped && out != nullptr) out->push_back(rest_[end + 1]);
      rest_.remove_prefix(escaped ? end + 2 : end + 1);
      if (!escaped) return true;
    }
  }

  bool Literal(std::string* out) {
    uint64_t size = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    if (error != std::errc() || !rest_.starts_with("}\r\n") || rest_.size() - 3 < size) return false;
    if (out != nullptr) out->assign(rest_.substr(3, size));
    rest_.remove_prefix(3 + size);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

bool FirstMailbox(std::string_view envelope, EnvelopeList list, std::string* mailbox) {
  WireReader in(envelope);
  if (!in.Take('(') || !in.String(nullptr) || !in.Take(' ') || !in.String(nullptr)) return false;
  for (int before = static_cast<int>(list); before > 0; --before) {
    if (!in.Take(' ') || !in.SkipList()) return false;
  }
  if (!in.Take(' ')) return false;
  return in.Take('(') ? in.Address(mailbox) : in.String(mailbox);
}

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
