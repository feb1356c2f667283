#include "common/mime/compose.h"

#include <algorithm>
#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/mime/encoded_word.h"
#include "common/mime/lexer.h"
#include "common/text/utf8_repair.h"

namespace mailmesh::mime {
namespace {

constexpr size_t kLine = 78;
constexpr size_t kHardLine = 998;

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// Line ends go; where no white space follows them, a space takes their place.
std::string OneLine(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c != '\r' && c != '\n' && c != '\0') {
      out += c;
    } else if (i + 1 == value.size() || !(IsBlank(value[i + 1]) || value[i + 1] == '\n')) {
      out += ' ';
    }
  }
  while (!out.empty() && IsBlank(out.back())) out.pop_back();
  out.erase(0, std::min(out.find_first_not_of(" \t"), out.size()));
  return out;
}

// White space and the word after it.
std::string_view TakeWord(std::string_view* rest) {
  size_t end = 0;
  while (end < rest->size() && IsBlank((*rest)[end])) ++end;
  while (end < rest->size() && !IsBlank((*rest)[end])) ++end;
  const std::string_view word = rest->substr(0, end);
  rest->remove_prefix(end);
  return word;
}

// Cuts a word that no line can hold, between characters.
void AppendLongWord(std::string_view word, size_t* column, std::string* out) {
  while (*column + word.size() > kHardLine) {
    size_t size = kHardLine - *column;
    while (size > 1 && (static_cast<uint8_t>(word[size]) & 0xc0) == 0x80) --size;
    *out += word.substr(0, size);
    *out += "\r\n ";
    *column = 1;
    word.remove_prefix(size);
  }
  *out += word;
  *column += word.size();
}

}  // namespace

void AppendField(std::string* out, std::string_view name, std::string_view value) {
  const std::string line = OneLine(value);
  std::string_view rest = line;
  *out += name;
  *out += ':';
  size_t column = name.size() + 1;
  if (!rest.empty()) {
    *out += ' ';
    ++column;
  }
  bool first = true;
  while (!rest.empty()) {
    std::string_view word = TakeWord(&rest);
    // The first word stays on the field's own line: a line of white space only could be taken for the header's end.
    if (!first && column + word.size() > kLine) {
      *out += "\r\n";
      column = 0;
      // A run of white space longer than a line would itself be over the limit.
      const size_t blanks = std::min(word.find_first_not_of(" \t"), word.size());
      if (blanks > kLine) word.remove_prefix(blanks - 1);
    }
    AppendLongWord(word, &column, out);
    first = false;
  }
  *out += "\r\n";
}

void AppendTextField(std::string* out, std::string_view name, std::string_view utf8) {
  AppendField(out, name, EncodeHeaderText(utf8));
}

std::string FormatMailbox(std::string_view name_utf8, std::string_view addr_spec) {
  if (name_utf8.empty()) return std::string(addr_spec);
  std::string phrase = EncodeHeaderText(name_utf8);
  const bool encoded = phrase.starts_with("=?");
  const bool atoms = std::all_of(phrase.begin(), phrase.end(), [](char c) {
    return c == ' ' || (c != '.' && Lexer::IsTokenChar(c) && c > ' ');
  });
  if (!encoded && !atoms) {
    std::string quoted = "\"";
    for (const char c : phrase) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    phrase = quoted + '"';
  }
  return phrase + " <" + std::string(addr_spec) + '>';
}

std::string NewMessageId(std::string_view domain, const base::Clock& clock) {
  return "<" + base::NewIdText(clock) + "@" + std::string(domain) + ">";
}

std::string NewBoundary() { return "=_" + base::HexEncode(base::RandomString(17)); }

}  // namespace mailmesh::mime
