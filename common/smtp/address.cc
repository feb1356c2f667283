#include "common/smtp/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "common/base/utf8.h"
#include "common/text/ascii.h"

namespace mailmesh::smtp {
namespace {

constexpr std::string_view kPostmaster = "postmaster";
constexpr std::string_view kIpv6Tag = "IPv6:";
constexpr size_t kMaxLabel = 63;  // RFC 1035, 2.3.4

constexpr bool IsAlnum(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
constexpr bool IsHigh(char c) { return static_cast<unsigned char>(c) >= 0x80; }
// RFC 5322, 3.2.3 atext.
constexpr bool IsAtext(char c) {
  return IsAlnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}
// RFC 5321, 4.1.2: what may stand in quotes, if need be behind a backslash.
constexpr bool IsQuotable(char c) { return c >= ' ' && c <= '~'; }

bool IsUtf8(std::string_view text) {
  for (size_t pos = 0; pos < text.size();) {
    const size_t length = base::Utf8SequenceLength(text, pos);
    if (length == 0) return false;
    pos += length;
  }
  return true;
}

bool HasHigh(std::string_view text) {
  for (char c : text) {
    if (IsHigh(c)) return true;
  }
  return false;
}

bool IsDotString(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.') return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '.' ? text[i - 1] == '.' : !IsAtext(text[i]) && !IsHigh(text[i])) return false;
  }
  return true;
}

bool IsLabel(std::string_view label) {
  if (label.empty() || label.front() == '-' || label.back() == '-') return false;
  // RFC 5890, 2.3.1: the 63 octets are of the A-label; of a U-label they are the IDNA library's to count.
  if (label.size() > kMaxLabel && !HasHigh(label)) return false;
  for (char c : label) {
    if (!IsAlnum(c) && c != '-' && !IsHigh(c)) return false;
  }
  return true;
}

// Labels only; neither the length as a whole nor UTF-8.
bool IsLabels(std::string_view text) {
  for (;;) {
    const size_t dot = text.find('.');
    if (!IsLabel(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

std::string Quote(std::string_view local_part) {
  std::string out = "\"";
  for (char c : local_part) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

}  // namespace

bool IsDomain(std::string_view text, bool utf8) {
  if (text.size() > AddressOptions{}.max_domain || !IsLabels(text)) return false;
  return !HasHigh(text) || (utf8 && IsUtf8(text));
}

bool IsAddressLiteral(std::string_view text) {
  if (text.size() < 3 || text.front() != '[' || text.back() != ']') return false;
  text = text.substr(1, text.size() - 2);
  if (text.size() > INET6_ADDRSTRLEN + kIpv6Tag.size()) return false;
  // inet_pton reads up to a NUL, behind which anything could stand.
  if (text.find('\0') != std::string_view::npos) return false;
  // RFC 5321, 4.1.3: other tags must be registered, and none is.
  in6_addr v6;
  if (text::StartsWithIgnoreAsciiCase(text, kIpv6Tag)) {
    return inet_pton(AF_INET6, std::string(text.substr(kIpv6Tag.size())).c_str(), &v6) == 1;
  }
  in_addr v4;
  return inet_pton(AF_INET, std::string(text).c_str(), &v4) == 1;
}

// Reads a path or a mailbox off the front of a text.
class AddressParser {
 public:
  AddressParser(std::string_view text, const AddressOptions& options) : rest_(text), options_(options) {}

  AddressError TakeMailbox(Mailbox& out) {
    if (AddressError error = TakeLocalPart(out.local_part_); error != AddressError::kNone) return error;
    if (!Skip('@')) return AddressError::kSyntax;
    if (AddressError error = TakeDomain(out.domain_); error != AddressError::kNone) return error;
    return Verdict();
  }

  AddressError TakePath(bool allow_postmaster, Mailbox& out) {
    const std::string_view whole = rest_;
    if (!Skip('<') || !SkipSourceRoute()) return AddressError::kSyntax;
    if (allow_postmaster && TakePostmaster()) {
      out = Mailbox::Postmaster();
      return AddressError::kNone;
    }
    if (AddressError error = TakeMailbox(out); error != AddressError::kNone) return error;
    if (!Skip('>')) return AddressError::kSyntax;
    return whole.size() - rest_.size() > options_.max_path ? AddressError::kPathTooLong : AddressError::kNone;
  }

  std::string_view rest() const { return rest_; }

 private:
  bool Skip(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool TakePostmaster() {
    const std::string_view ending = rest_.substr(0, kPostmaster.size() + 1);
    if (!ending.ends_with('>') || !text::EqualsIgnoreAsciiCase(ending.substr(0, ending.size() - 1), kPostmaster)) {
      return false;
    }
    rest_.remove_prefix(ending.size());
    return true;
  }

  // RFC 5321, 4.1.1.3 and appendix C: "@a,@b:" must be accepted, and should be ignored.
  bool SkipSourceRoute() {
    if (!rest_.starts_with('@')) return true;
    std::string ignored;
    do {
      if (!Skip('@') || TakeDomain(ignored) != AddressError::kNone) return false;
    } while (Skip(','));
    return Skip(':');
  }

  AddressError TakeLocalPart(std::string& out) {
    const size_t before = rest_.size();
    const bool ok = rest_.starts_with('"') ? TakeQuoted(out) : TakeDotString(out);
    if (!ok) return AddressError::kSyntax;
    return before - rest_.size() > options_.max_local_part ? AddressError::kLocalPartTooLong : AddressError::kNone;
  }

  bool TakeDotString(std::string& out) {
    size_t end = 0;
    while (end < rest_.size() && (IsAtext(rest_[end]) || rest_[end] == '.' || IsHigh(rest_[end]))) ++end;
    const std::string_view text = rest_.substr(0, end);
    if (!IsDotString(text) || !Note(text)) return false;
    out = text;
    rest_.remove_prefix(end);
    return true;
  }

  bool TakeQuoted(std::string& out) {
    out.clear();
    size_t pos = 1;
    for (; pos < rest_.size() && rest_[pos] != '"'; ++pos) {
      if (rest_[pos] == '\\') {
        ++pos;
        if (pos == rest_.size() || !IsQuotable(rest_[pos])) return false;
      } else if (!IsQuotable(rest_[pos]) && !IsHigh(rest_[pos])) {
        return false;
      }
      out.push_back(rest_[pos]);
    }
    if (pos >= rest_.size() || !Note(out)) return false;
    rest_.remove_prefix(pos + 1);
    return true;
  }

  AddressError TakeDomain(std::string& out) {
    size_t end = 0;
    if (rest_.starts_with('[')) {
      end = rest_.find(']');
      if (end == std::string_view::npos || !IsAddressLiteral(rest_.substr(0, ++end))) return AddressError::kSyntax;
    } else {
      const auto is_part = [](char c) { return IsAlnum(c) || c == '-' || c == '.' || IsHigh(c); };
      while (end < rest_.size() && is_part(rest_[end])) ++end;
      const std::string_view text = rest_.substr(0, end);
      if (end > options_.max_domain) return AddressError::kDomainTooLong;
      if (!IsLabels(text) || !Note(text)) return AddressError::kSyntax;
    }
    out = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return AddressError::kNone;
  }

  // False for what is not even UTF-8.
  bool Note(std::string_view text) {
    if (!HasHigh(text)) return true;
    has_utf8_ = true;
    return IsUtf8(text);
  }

  AddressError Verdict() const {
    return has_utf8_ && !options_.utf8 ? AddressError::kUtf8NotAllowed : AddressError::kNone;
  }

  std::string_view rest_;
  const AddressOptions& options_;
  bool has_utf8_ = false;
};

std::optional<Mailbox> Mailbox::FromParts(std::string_view local_part, std::string_view domain,
                                          const AddressOptions& options) {
  // The text is read back, so that whatever is taken here is what a server would take.
  std::string written = IsDotString(local_part) ? std::string(local_part) : Quote(local_part);
  written.append("@").append(domain);
  Mailbox out;
  AddressParser parser(written, options);
  if (parser.TakeMailbox(out) != AddressError::kNone || !parser.rest().empty()) return std::nullopt;
  return out;
}

Mailbox Mailbox::Postmaster() {
  Mailbox out;
  out.local_part_ = kPostmaster;
  return out;
}

bool Mailbox::IsPostmaster() const { return text::EqualsIgnoreAsciiCase(local_part_, kPostmaster); }

bool Mailbox::IsAscii() const { return !HasHigh(local_part_) && !HasHigh(domain_); }

std::string Mailbox::ToString() const {
  std::string out = IsDotString(local_part_) ? local_part_ : Quote(local_part_);
  if (!domain_.empty()) out.append("@").append(domain_);
  return out;
}

std::string Mailbox::Canonical() const {
  std::string out = IsDotString(local_part_) ? local_part_ : Quote(local_part_);
  if (!domain_.empty()) out.append("@").append(text::LowerAscii(domain_));
  return out;
}

bool Mailbox::operator==(const Mailbox& other) const {
  return local_part_ == other.local_part_ && text::EqualsIgnoreAsciiCase(domain_, other.domain_);
}

std::string ReversePath::ToString() const { return mailbox ? "<" + mailbox->ToString() + ">" : "<>"; }

AddressError ParseMailbox(std::string_view text, const AddressOptions& options, Mailbox& out) {
  AddressParser parser(text, options);
  const AddressError error = parser.TakeMailbox(out);
  if (error == AddressError::kNone && !parser.rest().empty()) return AddressError::kSyntax;
  return error;
}

AddressError TakeReversePath(std::string_view& text, const AddressOptions& options, ReversePath& out) {
  if (text.starts_with("<>")) {
    text.remove_prefix(2);
    out.mailbox.reset();
    return AddressError::kNone;
  }
  AddressParser parser(text, options);
  const AddressError error = parser.TakePath(false, out.mailbox.emplace());
  text = parser.rest();
  return error;
}

AddressError TakeForwardPath(std::string_view& text, const AddressOptions& options, Mailbox& out) {
  AddressParser parser(text, options);
  const AddressError error = parser.TakePath(true, out);
  text = parser.rest();
  return error;
}

std::optional<Mailbox> ParseMailbox(std::string_view text, const AddressOptions& options) {
  Mailbox out;
  if (ParseMailbox(text, options, out) != AddressError::kNone) return std::nullopt;
  return out;
}

}  // namespace mailmesh::smtp
