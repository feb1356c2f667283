#include "common/mime/lexer.h"

namespace mailmesh::mime {

bool Lexer::SkipCfws(std::string* comment) {
  const size_t start = pos_;
  while (!done()) {
    if (IsSpace(input_[pos_])) {
      ++pos_;
    } else if (input_[pos_] == '(') {
      SkipComment(comment);
    } else {
      break;
    }
  }
  return pos_ > start;
}

void Lexer::SkipComment(std::string* comment) {
  if (comment != nullptr) comment->clear();
  size_t depth = 0;
  for (; !done(); ++pos_) {
    char c = input_[pos_];
    if (c == '\\' && pos_ + 1 < input_.size()) {
      c = input_[++pos_];
    } else if (c == '(' && depth++ == 0) {
      continue;
    } else if (c == ')' && --depth == 0) {
      ++pos_;
      return;
    }
    if (comment != nullptr && c != '\r' && c != '\n') *comment += c;
  }
}

bool Lexer::TakeQuoted(std::string* out) {
  ++pos_;
  while (!done()) {
    char c = input_[pos_++];
    if (c == '"') return true;
    if (c == '\\' && !done()) c = input_[pos_++];
    if (c != '\r' && c != '\n') *out += c;
  }
  return false;
}

}  // namespace mailmesh::mime
