#include "common/mime/address.h"

#include <algorithm>
#include <utility>

#include "common/mime/lexer.h"

namespace mailmesh::mime {
namespace {

// Everything that neither separates nor opens something; tolerant on purpose ('.', '[', '\\', 8-bit, controls).
bool IsWordChar(char c) {
  return !Lexer::IsSpace(c) && std::string_view("()<>@,;:\"").find(c) == std::string_view::npos;
}

class ListParser {
 public:
  ListParser(std::string_view value, const AddressOptions& options) : lexer_(value), options_(options) {}

  AddressList Parse() {
    while (!lexer_.done() && !list_.truncated) Step();
    EndElement();
    if (in_group_) {
      list_.damaged = true;
      EndGroup();
    }
    return std::move(list_);
  }

 private:
  void Step();
  void TakeWord();
  void TakeColon();
  void TakeAngle();
  void TakeRoute(Address* address);
  void TakeBareDomain();
  std::string TakeLocalPart();
  std::string TakeDomain();
  void SkipToSeparator();
  void EndElement();
  void EndGroup();
  void Add(Address address);
  void Clear();

  Lexer lexer_;
  const AddressOptions& options_;
  AddressList list_;
  bool in_group_ = false;
  // The element so far, read both ways: as a phrase and as a local part; which of them it is shows later.
  std::string phrase_;
  std::string local_;
  std::string comment_;
  bool gap_ = false;
  bool after_dot_ = false;
  bool has_words_ = false;
};

void ListParser::Step() {
  if (lexer_.SkipCfws(&comment_)) {
    gap_ = true;
    return;
  }
  switch (lexer_.peek()) {
    case ',':
      EndElement();
      lexer_.Skip();
      return;
    case ';':
      EndElement();
      lexer_.Skip();
      if (in_group_) EndGroup();
      return;
    case ':': return TakeColon();
    case '<': return TakeAngle();
    case '@': return TakeBareDomain();
    case '>':
    case ')':  // closes nothing
      list_.damaged = true;
      lexer_.Skip();
      return;
    default: return TakeWord();
  }
}

void ListParser::TakeWord() {
  if (gap_ && has_words_) phrase_ += ' ';
  const bool quoted = lexer_.peek() == '"';
  const bool is_dot = lexer_.peek() == '.';
  // RFC 5322, 4.4: obs-local-part has CFWS around its dots.
  if (gap_ && has_words_ && !after_dot_ && !is_dot) local_ += ' ';
  if (quoted) {
    const size_t start = phrase_.size();
    if (!lexer_.TakeQuoted(&phrase_)) list_.damaged = true;
    local_.append(phrase_, start);
    after_dot_ = false;
  } else {
    const std::string_view word = lexer_.TakeWhile(IsWordChar);
    phrase_ += word;
    local_ += word;
    after_dot_ = word.back() == '.';
  }
  gap_ = false;
  has_words_ = true;
}

// The end of a group's name. Groups do not nest (RFC 5322, 3.4): within one, the colon is damage.
void ListParser::TakeColon() {
  lexer_.Skip();
  if (in_group_) {
    list_.damaged = true;
    return Clear();
  }
  Address group;
  group.kind = Address::Kind::kGroupStart;
  group.local_part = std::move(phrase_);
  Clear();
  Add(std::move(group));
  in_group_ = !list_.truncated;
}

// name <@route:local@domain>
void ListParser::TakeAngle() {
  lexer_.Skip();
  Address address;
  if (!phrase_.empty()) address.name = std::move(phrase_);
  lexer_.SkipCfws();
  if (lexer_.peek() == '@') TakeRoute(&address);
  address.local_part = TakeLocalPart();
  if (lexer_.Take('@')) address.domain = TakeDomain();
  lexer_.SkipCfws();
  if (!lexer_.Take('>')) list_.damaged = true;
  SkipToSeparator();
  Clear();
  Add(std::move(address));
}

// RFC 5322, 4.4: obs-route = obs-domain-list ":". "<@domain>" has no colon: then it is a domain without local part.
void ListParser::TakeRoute(Address* address) {
  const Lexer start = lexer_;
  std::string route;
  while (lexer_.Take('@')) {
    if (!route.empty()) route += ',';
    route += '@' + TakeDomain();
    lexer_.SkipCfws();
    while (lexer_.Take(',')) lexer_.SkipCfws();
  }
  if (lexer_.Take(':')) {
    address->route = std::move(route);
  } else {
    lexer_ = start;
    list_.damaged = true;
  }
}

void ListParser::TakeBareDomain() {
  lexer_.Skip();
  Address address;
  address.local_part = std::move(local_);
  comment_.clear();
  address.domain = TakeDomain();
  lexer_.SkipCfws(&comment_);
  SkipToSeparator();
  // RFC 5322, 3.4: "local@domain (Name)" was how names were written once.
  if (!comment_.empty()) address.name = std::move(comment_);
  Clear();
  Add(std::move(address));
}

std::string ListParser::TakeLocalPart() {
  std::string local;
  bool glue = true;
  while (true) {
    if (lexer_.SkipCfws()) {
      if (lexer_.peek() != '.' && !glue && (lexer_.peek() == '"' || IsWordChar(lexer_.peek()))) local += ' ';
    }
    if (lexer_.done()) return local;
    if (lexer_.peek() == '"') {
      lexer_.TakeQuoted(&local);
      glue = false;
      continue;
    }
    const std::string_view word = lexer_.TakeWhile(IsWordChar);
    if (word.empty()) return local;
    local += word;
    glue = word.back() == '.';
  }
}

std::string ListParser::TakeDomain() {
  std::string domain;
  bool expects_label = true;
  while (true) {
    lexer_.SkipCfws(&comment_);
    if (lexer_.done()) return domain;
    if (lexer_.peek() == '[' && domain.empty()) {
      domain = lexer_.TakeWhile([](char c) { return c != ']' && c != '>' && c != ',' && c != '\r' && c != '\n'; });
      if (lexer_.Take(']')) domain += ']';
      return domain;
    }
    // A word after a gap continues the domain only around a dot.
    if (!expects_label && lexer_.peek() != '.') return domain;
    const std::string_view word = lexer_.TakeWhile(IsWordChar);
    if (word.empty()) return domain;
    domain += word;
    expects_label = word.back() == '.';
  }
}

void ListParser::SkipToSeparator() {
  while (true) {
    lexer_.SkipCfws(&comment_);
    if (lexer_.done() || lexer_.peek() == ',' || lexer_.peek() == ';') return;
    // Two addresses without a comma between them: keep the second one, too.
    if (lexer_.peek() == '<') {
      list_.damaged = true;
      return;
    }
    list_.damaged = true;
    std::string ignored;
    if (lexer_.peek() == '"') {
      lexer_.TakeQuoted(&ignored);
    } else {
      lexer_.Skip();
    }
  }
}

// Words that no '@' or '<' followed: a local part without domain.
void ListParser::EndElement() {
  if (has_words_) {
    Address address;
    address.local_part = std::move(local_);
    if (!comment_.empty()) address.name = std::move(comment_);
    Clear();
    Add(std::move(address));
  }
  Clear();
}

void ListParser::EndGroup() {
  in_group_ = false;
  Address end;
  end.kind = Address::Kind::kGroupEnd;
  list_.addresses.push_back(std::move(end));
}

void ListParser::Add(Address address) {
  if (list_.addresses.size() >= options_.max_addresses) {
    list_.truncated = true;
    return;
  }
  if (address.kind == Address::Kind::kMailbox) {
    if (address.local_part.empty() || address.domain.empty()) list_.damaged = true;
    if (options_.fill_missing && address.local_part.empty()) address.local_part = kMissingMailbox;
    if (options_.fill_missing && address.domain.empty()) address.domain = kMissingDomain;
  }
  list_.addresses.push_back(std::move(address));
}

void ListParser::Clear() {
  phrase_.clear();
  local_.clear();
  comment_.clear();
  gap_ = after_dot_ = has_words_ = false;
}

// RFC 5322, 3.2.3: dot-atom-text.
bool IsDotAtom(std::string_view local) {
  if (local.empty() || local.front() == '.' || local.back() == '.') return false;
  for (size_t i = 0; i < local.size(); ++i) {
    const char c = local[i];
    if (c == '.' && local[i + 1] == '.') return false;
    if (c >= 0 && (c <= ' ' || c == 0x7f || std::string_view("()<>[]:;@\\,\"").find(c) != std::string_view::npos)) {
      return false;
    }
  }
  return true;
}

}  // namespace

AddressList ParseAddressList(std::string_view value, const AddressOptions& options) {
  if (value.find('\0') == std::string_view::npos) return ListParser(value, options).Parse();
  // As in HeaderText(): no consumer can show a NUL.
  std::string clean(value);
  std::replace(clean.begin(), clean.end(), '\0', '\x80');
  return ListParser(clean, options).Parse();
}

std::string FormatAddrSpec(const Address& address) {
  std::string out;
  if (IsDotAtom(address.local_part)) {
    out = address.local_part;
  } else if (!address.local_part.empty()) {
    out = "\"";
    for (const char c : address.local_part) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  if (!address.domain.empty()) out += '@' + address.domain;
  return out;
}

}  // namespace mailmesh::mime
