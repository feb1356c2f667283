#include "common/smtp/parameters.h"

#include <charconv>
#include <optional>

#include "common/base/utf8.h"
#include "common/smtp/replies.h"
#include "common/text/ascii.h"

namespace mailmesh::smtp {
namespace {

using text::EqualsIgnoreAsciiCase;

struct Parameter {
  std::string_view keyword;
  std::optional<std::string_view> value;

  bool Is(std::string_view name) const { return EqualsIgnoreAsciiCase(keyword, name); }
};

// RFC 5321, 4.1.2 esmtp-keyword.
bool IsKeyword(std::string_view text) {
  if (text.empty() || text.front() == '-') return false;
  for (char c : text) {
    const char lower = text::LowerAscii(c);
    if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '-') return false;
  }
  return true;
}

// RFC 5321, 4.1.2 esmtp-value; RFC 6531, 3.3 adds UTF-8.
bool IsValue(std::string_view text, bool utf8) {
  if (text.empty()) return false;
  for (size_t pos = 0; pos < text.size();) {
    if (text[pos] >= '!' && text[pos] <= '~' && text[pos] != '=') {
      ++pos;
      continue;
    }
    const size_t length = base::Utf8SequenceLength(text, pos);
    if (!utf8 || length < 2) return false;
    pos += length;
  }
  return true;
}

// Takes the next parameter off the front; false at the end or, with `bad`, for what is none.
bool TakeParameter(std::string_view& text, bool utf8, Parameter& out, bool& bad) {
  bad = false;
  const size_t start = text.find_first_not_of(' ');
  if (start == std::string_view::npos) return false;
  bad = true;
  if (start == 0) return false;  // a parameter has a space before it
  text.remove_prefix(start);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  const size_t equals = word.find('=');
  out.keyword = word.substr(0, equals);
  out.value.reset();
  if (equals != std::string_view::npos) out.value = word.substr(equals + 1);
  bad = !IsKeyword(out.keyword) || (out.value && !IsValue(*out.value, utf8));
  return !bad;
}

// RFC 1870, 4: 1*20DIGIT.
bool SetSize(const Parameter& parameter, std::optional<uint64_t>& out) {
  if (out || !parameter.value || parameter.value->size() > 20) return false;
  uint64_t size = 0;
  const char* end = parameter.value->data() + parameter.value->size();
  const auto [at, error] = std::from_chars(parameter.value->data(), end, size);
  if (at != end) return false;
  // 20 digits can exceed 64 bits; so large a message is too large, not badly written.
  out = error == std::errc::result_out_of_range ? UINT64_MAX : size;
  return error == std::errc() || error == std::errc::result_out_of_range;
}

bool SetBody(const Parameter& parameter, bool binary, std::optional<Body>& out) {
  if (out || !parameter.value) return false;
  if (EqualsIgnoreAsciiCase(*parameter.value, "7BIT")) {
    out = Body::k7Bit;
  } else if (EqualsIgnoreAsciiCase(*parameter.value, "8BITMIME")) {
    out = Body::k8BitMime;
  } else if (binary && EqualsIgnoreAsciiCase(*parameter.value, "BINARYMIME")) {
    out = Body::kBinaryMime;
  }
  return out.has_value();
}

bool SetFlag(const Parameter& parameter, bool& out) {
  if (out || parameter.value) return false;
  out = true;
  return true;
}

template <class T>
bool SetParsed(const Parameter& parameter, std::optional<T> (*parse)(std::string_view), std::optional<T>& out) {
  if (out || !parameter.value) return false;
  out = parse(*parameter.value);
  return out.has_value();
}

// RFC 4954, 5: xtext of a mailbox, or <>. What is in <> behind the xtext is forgiven.
bool SetAuth(const Parameter& parameter, const AddressOptions& limits, std::optional<ReversePath>& out) {
  if (out || !parameter.value) return false;
  out.emplace();
  if (*parameter.value == "<>") return true;
  const std::optional<std::string> decoded = DecodeXtext(*parameter.value);
  if (!decoded) return false;
  if (*decoded == "<>") return true;
  AddressOptions options = limits;
  options.utf8 = true;  // RFC 6531, 3.3 lets xtext carry it
  return ParseMailbox(*decoded, options, out->mailbox.emplace()) == AddressError::kNone;
}

// Nothing for a keyword that is not offered or not known.
std::optional<bool> SetMailParameter(const Parameter& parameter, const ParseOptions& options, Mail& out) {
  const ExtensionSet& offered = options.offered;
  if (parameter.Is("SIZE") && offered.Has(Extension::kSize)) return SetSize(parameter, out.size);
  if (parameter.Is("BODY") && (offered.Has(Extension::k8BitMime) || offered.Has(Extension::kBinaryMime))) {
    return SetBody(parameter, offered.Has(Extension::kBinaryMime), out.body);
  }
  if (parameter.Is("SMTPUTF8") && offered.Has(Extension::kSmtpUtf8)) return SetFlag(parameter, out.smtputf8);
  if (parameter.Is("REQUIRETLS") && offered.Has(Extension::kRequireTls)) return SetFlag(parameter, out.require_tls);
  if (parameter.Is("AUTH") && offered.Has(Extension::kAuth)) return SetAuth(parameter, options.address, out.auth);
  if (!offered.Has(Extension::kDsn)) return std::nullopt;
  if (parameter.Is("RET")) return SetParsed(parameter, ParseRet, out.ret);
  if (parameter.Is("ENVID")) return SetParsed(parameter, ParseEnvid, out.envid);
  return std::nullopt;
}

std::optional<bool> SetRcptParameter(const Parameter& parameter, const ParseOptions& options, Rcpt& out) {
  if (!options.offered.Has(Extension::kDsn)) return std::nullopt;
  if (parameter.Is("NOTIFY")) {
    if (out.notify.given() || !parameter.value) return false;
    const std::optional<Notify> notify = ParseNotify(*parameter.value);
    if (notify) out.notify = *notify;
    return notify.has_value();
  }
  if (parameter.Is("ORCPT")) {
    if (out.orcpt || !parameter.value) return false;
    out.orcpt = ParseOrcpt(*parameter.value, options.utf8_transaction);
    return out.orcpt.has_value();
  }
  return std::nullopt;
}

template <class Set>
CannedReply ParseAll(std::string_view text, bool utf8, Set set) {
  Parameter parameter;
  bool bad = false;
  while (TakeParameter(text, utf8, parameter, bad)) {
    const std::optional<bool> done = set(parameter);
    if (!done) return replies::kUnknownParameter;
    if (!*done) return replies::kSyntaxError;
  }
  return bad ? replies::kSyntaxError : CannedReply{};
}

}  // namespace

CannedReply ParseMailParameters(std::string_view text, const ParseOptions& options, Mail& out) {
  return ParseAll(text, options.offered.Has(Extension::kSmtpUtf8),
                  [&](const Parameter& parameter) { return SetMailParameter(parameter, options, out); });
}

CannedReply ParseRcptParameters(std::string_view text, const ParseOptions& options, Rcpt& out) {
  return ParseAll(text, options.utf8_transaction,
                  [&](const Parameter& parameter) { return SetRcptParameter(parameter, options, out); });
}

}  // namespace mailmesh::smtp
