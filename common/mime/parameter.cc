#include "common/mime/parameter.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <tuple>
#include <utility>

#include "common/text/ascii.h"

namespace mailmesh::mime {
namespace {

// RFC 2231: name "*" [section] ["*"].
struct Section {
  std::string name;
  std::string key;  // of the name, in lower case: what is compared
  uint32_t number = 0;
  bool numbered = false;
  bool extended = false;
  std::string value;
};

bool ParseSection(const Parameter& parameter, Section* section) {
  const std::string_view name = parameter.name;
  const size_t star = name.find('*');
  if (star == std::string_view::npos || star == 0) return false;
  std::string_view rest = name.substr(star + 1);
  section->numbered = !rest.empty();
  section->extended = rest.empty();
  if (section->numbered) {
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), section->number);
    if (error != std::errc()) return false;
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    section->extended = rest == "*";
    if (!rest.empty() && !section->extended) return false;
  }
  section->name = name.substr(0, star);
  section->key = text::LowerAscii(section->name);
  section->value = parameter.value;
  return true;
}

// RFC 2231, 7: attribute-char goes as it is, the rest as %XX.
void AppendExtended(std::string_view value, std::string* out) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : value) {
    const auto octet = static_cast<uint8_t>(c);
    if (octet > ' ' && octet < 0x7f && !Lexer::IsTspecial(c) && c != '*' && c != '\'' && c != '%') {
      *out += c;
    } else {
      *out += '%';
      *out += kHex[octet >> 4];
      *out += kHex[octet & 15];
    }
  }
}

using SectionIterator = std::vector<Section>::const_iterator;

void AppendJoined(SectionIterator begin, SectionIterator end, std::vector<Parameter>* out) {
  const bool extended = std::any_of(begin, end, [](const Section& section) { return section.extended; });
  Parameter joined{begin->name + (extended ? "*" : ""), {}};
  // RFC 2231, 4: charset and language stand in the first section; where that is plain, both are empty.
  if (extended && !begin->extended) joined.value = "''";
  for (SectionIterator section = begin; section != end; ++section) {
    if (extended && !section->extended) {
      AppendExtended(section->value, &joined.value);
    } else {
      joined.value += section->value;
    }
  }
  out->push_back(std::move(joined));
}

// Sections that are not 0, 1, 2 ... are no continuation: they stay as they came.
void AppendSections(std::vector<Section> sections, std::vector<Parameter>* out) {
  std::stable_sort(sections.begin(), sections.end(), [](const Section& a, const Section& b) {
    return std::tie(a.key, a.number) < std::tie(b.key, b.number);
  });
  for (SectionIterator begin = sections.cbegin(); begin != sections.cend();) {
    SectionIterator end = begin;
    bool complete = true;
    for (uint32_t expected = 0; end != sections.cend() && end->key == begin->key; ++end, ++expected) {
      complete = complete && end->number == expected;
    }
    if (complete) {
      AppendJoined(begin, end, out);
    } else {
      for (SectionIterator it = begin; it != end; ++it) {
        std::string name = it->name + "*" + (it->numbered ? std::to_string(it->number) : "");
        out->push_back({name + (it->numbered && it->extended ? "*" : ""), it->value});
      }
    }
    begin = end;
  }
}

// RFC 2045, 5.1 wants a token or a quoted string. Many boundaries and file names have unquoted '=', '/' or '?': all but
// white space, ';', '(' and '"' is taken.
std::string TakeValue(Lexer* lexer) {
  std::string value;
  if (lexer->peek() == '"') {
    lexer->TakeQuoted(&value);
  } else {
    value = lexer->TakeWhile([](char c) { return !Lexer::IsSpace(c) && c != ';' && c != '(' && c != '"'; });
  }
  std::replace(value.begin(), value.end(), '\0', '\x80');
  return value;
}

// To the next ';' outside of quotes and comments, and over it.
bool SkipToParameter(Lexer* lexer) {
  while (true) {
    lexer->SkipCfws();
    if (lexer->done()) return false;
    if (lexer->Take(';')) return true;
    std::string ignored;
    if (lexer->peek() == '"') {
      lexer->TakeQuoted(&ignored);
    } else {
      lexer->Skip();
    }
  }
}

bool TakeParameter(Lexer* lexer, Parameter* parameter) {
  lexer->SkipCfws();
  parameter->name = lexer->TakeToken();
  std::replace(parameter->name.begin(), parameter->name.end(), '\0', '\x80');
  lexer->SkipCfws();
  if (parameter->name.empty() || !lexer->Take('=')) return false;
  lexer->SkipCfws();
  parameter->value = TakeValue(lexer);
  return true;
}

}  // namespace

const std::string* FindParameter(const std::vector<Parameter>& parameters, std::string_view name) {
  for (const Parameter& parameter : parameters) {
    if (text::EqualsIgnoreAsciiCase(parameter.name, name)) return &parameter.value;
  }
  return nullptr;
}

std::vector<Parameter> ParseParameters(Lexer* lexer) {
  std::vector<Parameter> plain;
  std::vector<Section> sections;
  while (plain.size() + sections.size() < kMaxParameters && SkipToParameter(lexer)) {
    Parameter parameter;
    if (!TakeParameter(lexer, &parameter)) continue;
    if (Section section; ParseSection(parameter, &section)) {
      sections.push_back(std::move(section));
    } else {
      plain.push_back(std::move(parameter));
    }
  }
  AppendSections(std::move(sections), &plain);
  return plain;
}

}  // namespace mailmesh::mime
