#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/utf8.h"
#include "common/mime/encoded_word.h"
#include "common/text/utf8_repair.h"

namespace mailmesh::mime {
namespace {

constexpr std::string_view kQPrefix = "=?utf-8?Q?";
constexpr std::string_view kBPrefix = "=?utf-8?B?";
// RFC 2047, 2: 75 characters for the whole word.
constexpr size_t kMaxText = 75 - kQPrefix.size() - 2;
constexpr char kHex[] = "0123456789ABCDEF";

bool IsAlnum(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

// RFC 2047, 5 (3): what may stand unencoded in a phrase, the narrowest of the places.
bool IsSafeInQ(char c) { return IsAlnum(c) || std::string_view("!*+-/").find(c) != std::string_view::npos; }

bool IsPrintableAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; });
}

void AppendHex(char escape, char c, std::string* out) {
  *out += escape;
  *out += kHex[static_cast<uint8_t>(c) >> 4];
  *out += kHex[static_cast<uint8_t>(c) & 15];
}

size_t QWidth(std::string_view character) {
  if (character.size() > 1) return 3 * character.size();
  return IsSafeInQ(character[0]) || character[0] == ' ' ? 1 : 3;
}

// Takes as many whole characters off the front as one word holds.
std::string TakeQ(std::string_view* text) {
  std::string word;
  while (!text->empty()) {
    const std::string_view character = text->substr(0, base::Utf8SequenceLength(*text, 0));
    if (word.size() + QWidth(character) > kMaxText) break;
    for (const char c : character) {
      if (IsSafeInQ(c)) {
        word += c;
      } else if (c == ' ') {
        word += '_';
      } else {
        AppendHex('=', c, &word);
      }
    }
    text->remove_prefix(character.size());
  }
  return word;
}

std::string TakeB(std::string_view* text) {
  constexpr size_t kMaxOctets = kMaxText / 4 * 3;
  size_t size = 0;
  while (size < text->size()) {
    const size_t next = base::Utf8SequenceLength(*text, size);
    if (size + next > kMaxOctets) break;
    size += next;
  }
  const std::string word = base::Base64Encode(text->substr(0, size));
  text->remove_prefix(size);
  return word;
}

std::string Clean(std::string_view utf8) {
  std::string text = text::RepairUtf8(utf8);
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return text;
}

}  // namespace

std::string EncodeHeaderText(std::string_view utf8) {
  const std::string text = Clean(utf8);
  // "=?" in plain text would be taken for an encoded word.
  if (IsPrintableAscii(text) && text.find("=?") == std::string::npos) return text;
  size_t q_size = 0;
  std::string_view rest = text;
  for (size_t i = 0; i < rest.size();) {
    const size_t length = base::Utf8SequenceLength(rest, i);
    q_size += QWidth(rest.substr(i, length));
    i += length;
  }
  // Q stays readable; B is shorter where most characters are not ASCII.
  const bool use_q = q_size <= 2 * text.size();
  std::string out;
  while (!rest.empty()) {
    if (!out.empty()) out += ' ';
    out += use_q ? kQPrefix : kBPrefix;
    out += use_q ? TakeQ(&rest) : TakeB(&rest);
    out += "?=";
  }
  return out;
}

std::string EncodeParameter(std::string_view name, std::string_view utf8) {
  const std::string value = Clean(utf8);
  std::string out(name);
  if (!value.empty() && std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c <= '~' && Lexer::IsTokenChar(c); })) {
    return out + '=' + value;
  }
  if (IsPrintableAscii(value)) {
    out += "=\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + '"';
  }
  // RFC 2231, 3: long values go in sections, whole characters in each.
  std::string encoded;
  std::vector<std::string> sections;
  for (size_t i = 0; i < value.size();) {
    const size_t length = base::Utf8SequenceLength(value, i);
    std::string character;
    for (const char c : value.substr(i, length)) {
      if (IsAlnum(c) || c == '.' || c == '-' || c == '_') {
        character += c;
      } else {
        AppendHex('%', c, &character);
      }
    }
    if (encoded.size() + character.size() > 50) sections.push_back(std::exchange(encoded, std::string()));
    encoded += character;
    i += length;
  }
  sections.push_back(std::move(encoded));
  if (sections.size() == 1) return out + "*=utf-8''" + sections[0];
  out.clear();
  for (size_t i = 0; i < sections.size(); ++i) {
    if (i > 0) out += "; ";
    out += std::string(name) + '*' + std::to_string(i) + "*=" + (i == 0 ? "utf-8''" : "") + sections[i];
  }
  return out;
}

}  // namespace mailmesh::mime
