#include "common/imap/value_parser.h"

#include <algorithm>
#include <utility>

#include "common/imap/chars.h"
#include "common/imap/literal.h"

namespace mailmesh::imap::internal {
namespace {

bool EndsAtom(char c) { return c == ' ' || c == '(' || c == ')' || c == '\r' || c == '\n' || c == '\0'; }

// RFC 3501, 9 (msg-att-static): these names go on with a section, which has spaces and parentheses of its own.
bool HasSection(std::string_view name) {
  return EqualsUpper(name, "BODY") || EqualsUpper(name, "BINARY") || EqualsUpper(name, "BINARY.SIZE");
}

}  // namespace

bool ValueParser::Add(Value value) {
  if (++count_ > kMaxResponseValues) return false;
  open_.back().push_back(std::move(value));
  return true;
}

bool ValueParser::CloseList() {
  if (open_.size() < 2) return false;
  Value list;
  list.kind = Value::Kind::kList;
  list.children = std::move(open_.back());
  open_.pop_back();
  ++position_;
  return Add(std::move(list));
}

bool ValueParser::Parse(std::vector<Value>* out) {
  open_.emplace_back();
  while (!AtEnd()) {
    const char c = Front();
    bool ok = true;
    if (c == ' ') {
      ++position_;
    } else if (c == '(') {
      ok = open_.size() <= kMaxResponseDepth;
      open_.emplace_back();
      ++position_;
    } else if (c == ')') {
      ok = CloseList();
    } else if (c == '"') {
      ok = TakeQuoted();
    } else if (c == ']' && in_code_) {
      break;
    } else if (!TakeLiteral(&ok)) {
      ok = TakeAtom();
    }
    if (!ok) return false;
  }
  if (open_.size() != 1) return false;
  if (in_code_) {
    if (AtEnd()) return false;
    ++position_;
  }
  *out = std::move(open_.back());
  return true;
}

bool ValueParser::TakeQuoted() {
  Value value;
  value.kind = Value::Kind::kString;
  for (++position_; !AtEnd(); ++position_) {
    char c = Front();
    if (c == '"') {
      ++position_;
      return Add(std::move(value));
    }
    if (c == '\\') {
      if (++position_ >= text_.size()) return false;
      c = Front();
    }
    if (c == '\r' || c == '\n') return false;
    value.text.push_back(c);
  }
  return false;
}

bool ValueParser::TakeLiteral(bool* ok) {
  if (Front() != '{' && Front() != '~') return false;
  // An announcement is short; a long line must not be searched again for each brace in it.
  const std::string_view head = text_.substr(position_, kMaxLiteralHeaderSize + 2);
  const size_t end = head.find("\r\n");
  LiteralHeader literal;
  size_t header_size = 0;
  if (end == head.npos || ScanLiteralHeader(head.substr(0, end), &literal, &header_size) != LiteralScan::kFound ||
      header_size != end) {
    return false;
  }
  position_ += end + 2;
  Value value;
  value.size = literal.size;
  if (std::binary_search(streamed_.begin(), streamed_.end(), position_)) {
    value.kind = Value::Kind::kStreamed;
  } else if (literal.size > text_.size() - position_) {
    *ok = false;
    return true;
  } else {
    value.kind = Value::Kind::kString;
    value.text.assign(text_.substr(position_, literal.size));
    position_ += literal.size;
  }
  *ok = Add(std::move(value));
  return true;
}

size_t ValueParser::BracketEnd(size_t bracket) const {
  for (size_t i = bracket; i < text_.size(); ++i) {
    if (text_[i] == ']') return i + 1;
    if (text_[i] != '"') continue;
    i = text_.find('"', i + 1);
    if (i == text_.npos) break;
  }
  return text_.npos;
}

size_t ValueParser::AtomEnd() const {
  size_t end = position_;
  while (end < text_.size() && !EndsAtom(text_[end])) {
    if (text_[end] == ']' && in_code_) break;
    if (text_[end] == '[' && HasSection(text_.substr(position_, end - position_))) {
      end = BracketEnd(end);
      if (end == text_.npos) return position_;
      continue;
    }
    ++end;
  }
  return end;
}

bool ValueParser::TakeAtom() {
  const size_t end = AtomEnd();
  if (end == position_) return false;
  Value value;
  value.text.assign(text_.substr(position_, end - position_));
  value.kind = EqualsUpper(value.text, "NIL") ? Value::Kind::kNil : Value::Kind::kAtom;
  position_ = end;
  return Add(std::move(value));
}

}  // namespace mailmesh::imap::internal
