// Reads IMAP values into a tree, with a stack of its own in place of recursion. Internal to common/imap (client role).
#ifndef MAILMESH_COMMON_IMAP_VALUE_PARSER_H_
#define MAILMESH_COMMON_IMAP_VALUE_PARSER_H_

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "common/imap/response_parser.h"

namespace mailmesh::imap::internal {

class ValueParser {
 public:
  // Starts at `position` of `text`. `in_code`: within "[...]" of a status response, where "]" ends it.
  ValueParser(std::string_view text, size_t position, std::span<const size_t> streamed, bool in_code)
      : text_(text), position_(position), streamed_(streamed), in_code_(in_code) {}

  // All values up to the end of the text, or, in a code, up to its "]". False: not balanced, cut, or beyond a limit.
  bool Parse(std::vector<Value>* out);
  // Behind what was read: in a code, behind its "]".
  size_t position() const { return position_; }

 private:
  bool AtEnd() const { return position_ >= text_.size(); }
  char Front() const { return text_[position_]; }
  bool Add(Value value);
  bool CloseList();
  bool TakeQuoted();
  // False: no literal stands here.
  bool TakeLiteral(bool* ok);
  bool TakeAtom();
  size_t AtomEnd() const;
  size_t BracketEnd(size_t bracket) const;

  std::string_view text_;
  size_t position_;
  std::span<const size_t> streamed_;
  bool in_code_;
  size_t count_ = 0;
  std::vector<std::vector<Value>> open_;
};

}  // namespace mailmesh::imap::internal

#endif  // MAILMESH_COMMON_IMAP_VALUE_PARSER_H_
