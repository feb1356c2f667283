#include "common/smtp/dsn.h"

#include <charconv>

#include "common/base/bytes.h"
#include "common/base/utf8.h"
#include "common/text/ascii.h"

namespace mailmesh::smtp {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";
constexpr std::string_view kUtf8Type = "utf-8";

// RFC 3461, 4 xchar.
constexpr bool IsXchar(char c) { return c >= '!' && c <= '~' && c != '+' && c != '='; }
// RFC 6533, 3 QCHAR.
constexpr bool IsQchar(char c) { return IsXchar(c) && c != '\\'; }

// RFC 3461, 4.2 and 4.4: the decoded values consist of printable ASCII; this also keeps them from breaking a DSN's
// lines.
bool IsPrintable(std::string_view text) {
  for (char c : text) {
    if (c < ' ' || c > '~') return false;
  }
  return true;
}

void AppendUtf8(uint32_t code, std::string& out) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | code >> 6));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | code >> 12));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | code >> 18));
    out.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

uint32_t DecodeUtf8(std::string_view sequence) {
  const auto octet = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(sequence[i])); };
  if (sequence.size() == 2) return (octet(0) & 0x1F) << 6 | (octet(1) & 0x3F);
  if (sequence.size() == 3) return (octet(0) & 0x0F) << 12 | (octet(1) & 0x3F) << 6 | (octet(2) & 0x3F);
  return (octet(0) & 0x07) << 18 | (octet(1) & 0x3F) << 12 | (octet(2) & 0x3F) << 6 | (octet(3) & 0x3F);
}

void AppendEmbedded(uint32_t code, std::string& out) {
  char digits[8];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), code, 16);
  out.append("\\x{");
  for (const char* at = digits; at < end; ++at) out.push_back(kHex[static_cast<size_t>(base::HexDigit(*at))]);
  out.push_back('}');
}

// RFC 6533, 3 EmbeddedUnicodeChar: "\x{HEXPOINT}" at the front. Control characters could not stand in a DSN and are
// refused.
bool TakeEmbedded(std::string_view& text, std::string& out) {
  if (!text.starts_with("\\x{")) return false;
  const size_t close = text.find('}');
  if (close == std::string_view::npos || close < 5 || close > 9) return false;
  uint32_t code = 0;
  const char* end = text.data() + close;
  const auto [at, error] = std::from_chars(text.data() + 3, end, code, 16);
  if (error != std::errc() || at != end) return false;
  if (code < ' ' || code == 0x7F || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
  AppendUtf8(code, out);
  text.remove_prefix(close + 1);
  return true;
}

std::optional<std::string> DecodeUtf8Address(std::string_view text, bool raw_utf8) {
  std::string out;
  while (!text.empty()) {
    if (IsQchar(text.front())) {
      out.push_back(text.front());
      text.remove_prefix(1);
    } else if (text.front() == '\\') {
      if (!TakeEmbedded(text, out)) return std::nullopt;
    } else {
      const size_t length = base::Utf8SequenceLength(text, 0);
      if (!raw_utf8 || length < 2) return std::nullopt;
      out.append(text.substr(0, length));
      text.remove_prefix(length);
    }
  }
  return out;
}

std::string EncodeUtf8Address(std::string_view text, bool raw_utf8) {
  std::string out;
  while (!text.empty()) {
    size_t length = base::Utf8SequenceLength(text, 0);
    if (length == 0) {
      length = 1;
      out.push_back('?');
    } else if (length == 1) {
      if (IsQchar(text.front())) {
        out.push_back(text.front());
      } else {
        AppendEmbedded(static_cast<unsigned char>(text.front()), out);
      }
    } else if (raw_utf8) {
      out.append(text.substr(0, length));
    } else {
      AppendEmbedded(DecodeUtf8(text.substr(0, length)), out);
    }
    text.remove_prefix(length);
  }
  return out;
}

bool IsAddressType(std::string_view type) {
  if (type.empty()) return false;
  for (char c : type) {
    if (!IsXchar(c) || c == ';') return false;
  }
  return true;
}

}  // namespace

std::string EncodeXtext(std::string_view octets) {
  std::string out;
  out.reserve(octets.size());
  for (char c : octets) {
    if (IsXchar(c)) {
      out.push_back(c);
    } else {
      const auto octet = static_cast<unsigned char>(c);
      out.push_back('+');
      out.push_back(kHex[octet >> 4]);
      out.push_back(kHex[octet & 15]);
    }
  }
  return out;
}

std::optional<std::string> DecodeXtext(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsXchar(text[i])) {
      out.push_back(text[i]);
      continue;
    }
    if (text[i] != '+' || i + 2 >= text.size()) return std::nullopt;
    const int high = base::HexDigit(text[i + 1]);
    const int low = base::HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  return out;
}

std::optional<Notify> ParseNotify(std::string_view value) {
  Notify notify;
  for (;;) {
    const size_t comma = value.find(',');
    const std::string_view word = value.substr(0, comma);
    if (text::EqualsIgnoreAsciiCase(word, "NEVER")) {
      notify.never = true;
    } else if (text::EqualsIgnoreAsciiCase(word, "SUCCESS")) {
      notify.success = true;
    } else if (text::EqualsIgnoreAsciiCase(word, "FAILURE")) {
      notify.failure = true;
    } else if (text::EqualsIgnoreAsciiCase(word, "DELAY")) {
      notify.delay = true;
    } else {
      return std::nullopt;
    }
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  // RFC 3461, 4.1: NEVER stands alone.
  if (notify.never && (notify.success || notify.failure || notify.delay)) return std::nullopt;
  return notify;
}

std::string ToString(const Notify& notify) {
  if (notify.never) return "NEVER";
  std::string out;
  const auto add = [&out](bool wanted, std::string_view word) {
    if (!wanted) return;
    if (!out.empty()) out.push_back(',');
    out.append(word);
  };
  add(notify.success, "SUCCESS");
  add(notify.failure, "FAILURE");
  add(notify.delay, "DELAY");
  return out;
}

std::optional<Ret> ParseRet(std::string_view value) {
  if (text::EqualsIgnoreAsciiCase(value, "FULL")) return Ret::kFull;
  if (text::EqualsIgnoreAsciiCase(value, "HDRS")) return Ret::kHeaders;
  return std::nullopt;
}

std::string_view ToString(Ret ret) { return ret == Ret::kFull ? "FULL" : "HDRS"; }

std::optional<OriginalRecipient> ParseOrcpt(std::string_view value, bool utf8) {
  const size_t semicolon = value.find(';');
  if (value.size() > kMaxOrcpt || semicolon == std::string_view::npos) return std::nullopt;
  const std::string_view type = value.substr(0, semicolon);
  const std::string_view address = value.substr(semicolon + 1);
  if (!IsAddressType(type) || address.empty()) return std::nullopt;
  std::optional<std::string> decoded;
  if (text::EqualsIgnoreAsciiCase(type, kUtf8Type)) {
    decoded = DecodeUtf8Address(address, utf8);
  } else {
    decoded = DecodeXtext(address);
    if (decoded && !IsPrintable(*decoded)) return std::nullopt;
  }
  if (!decoded) return std::nullopt;
  return OriginalRecipient{std::string(type), *std::move(decoded)};
}

std::string FormatOrcpt(const OriginalRecipient& orcpt, bool utf8) {
  std::string out = orcpt.type + ";";
  out += text::EqualsIgnoreAsciiCase(orcpt.type, kUtf8Type) ? EncodeUtf8Address(orcpt.address, utf8)
                                                            : EncodeXtext(orcpt.address);
  return out;
}

std::optional<std::string> ParseEnvid(std::string_view value) {
  if (value.empty() || value.size() > kMaxEnvid) return std::nullopt;
  std::optional<std::string> decoded = DecodeXtext(value);
  if (!decoded || !IsPrintable(*decoded)) return std::nullopt;
  return decoded;
}

}  // namespace mailmesh::smtp
