#include "common/imap/quote.h"

#include <algorithm>
#include <charconv>

#include "common/imap/chars.h"
#include "common/imap/utf8.h"

namespace mailmesh::imap {
namespace internal {

void AppendNumber(std::string& out, uint64_t number) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), number);
  out.append(digits, static_cast<size_t>(end - digits));
}

}  // namespace internal

namespace {

// Beyond this a literal is shorter to read than the backslashes.
constexpr size_t kMaxEscapes = 4;

struct Look {
  bool eight_bit = false;
  bool unquotable = false;  // NUL, CR, LF
  size_t escapes = 0;
};

Look Inspect(std::string_view text) {
  Look look;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      ++look.escapes;
    } else if (c == '\0' || c == '\r' || c == '\n') {
      look.unquotable = true;
    } else if (static_cast<uint8_t>(c) >= 0x80) {
      look.eight_bit = true;
    }
  }
  return look;
}

void AppendQuoted(std::string& out, std::string_view text, bool escapes) {
  out.push_back('"');
  if (!escapes) {
    out.append(text);
  } else {
    for (const char c : text) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
  }
  out.push_back('"');
}

bool AllOf(std::string_view text, uint8_t classes) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [classes](char c) { return internal::Is(c, classes); });
}

}  // namespace

void AppendString(std::string& out, std::string_view text, bool utf8_accept) {
  const Look look = Inspect(text);
  const bool quotable = !look.unquotable && look.escapes <= kMaxEscapes &&
                        (!look.eight_bit || (utf8_accept && internal::IsUtf8(text)));
  if (quotable) {
    AppendQuoted(out, text, look.escapes > 0);
  } else {
    AppendLiteral(out, text);
  }
}

void AppendNString(std::string& out, const std::optional<std::string>& text, bool utf8_accept) {
  if (text) {
    AppendString(out, *text, utf8_accept);
  } else {
    out.append("NIL");
  }
}

void AppendAString(std::string& out, std::string_view text, bool utf8_accept) {
  // "NIL" as an atom would be read as nothing by careless clients.
  if (IsAStringAtom(text) && !internal::EqualsUpper(text, "NIL")) {
    out.append(text);
  } else {
    AppendString(out, text, utf8_accept);
  }
}

void AppendLiteral(std::string& out, std::string_view octets) {
  AppendLiteralHead(out, octets.size());
  const size_t start = out.size();
  out.append(octets);
  // RFC 3501, 9 (CHAR8): a literal has no NUL.
  if (octets.find('\0') != octets.npos) std::replace(out.begin() + static_cast<ptrdiff_t>(start), out.end(), '\0', '\x80');
}

void AppendLiteralHead(std::string& out, uint64_t size, bool binary) {
  out.append(binary ? "~{" : "{");
  internal::AppendNumber(out, size);
  out.append("}\r\n");
}

bool IsAtom(std::string_view text) { return AllOf(text, internal::kAtomChar); }
bool IsAStringAtom(std::string_view text) { return AllOf(text, internal::kAStringChar); }

}  // namespace mailmesh::imap
