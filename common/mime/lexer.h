// The lexical tokens that structured header fields share. For the inside of this library.
//
// CR and LF count as white space (folding). What is not closed (comment, quoted string) reaches to the end of the input.
// Linear: each octet is taken once. No recursion: comments nest by a counter.
// RFC 5322, 3.2 (CFWS, quoted-string); RFC 2045, 5.1 (token).
#ifndef MAILMESH_COMMON_MIME_LEXER_H_
#define MAILMESH_COMMON_MIME_LEXER_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace mailmesh::mime {

class Lexer {
 public:
  explicit Lexer(std::string_view input) : input_(input) {}

  bool done() const { return pos_ >= input_.size(); }
  // '\0' at the end.
  char peek() const { return done() ? '\0' : input_[pos_]; }
  size_t position() const { return pos_; }
  void Skip() { ++pos_; }
  bool Take(char c) {
    if (done() || input_[pos_] != c) return false;
    ++pos_;
    return true;
  }
  // White space and comments; true if there was any. `comment` gets the text of the last comment, if it is not null.
  bool SkipCfws(std::string* comment = nullptr);
  // The longest run of octets for which `is` holds.
  template <class Predicate>
  std::string_view TakeWhile(Predicate is) {
    const size_t start = pos_;
    while (pos_ < input_.size() && is(input_[pos_])) ++pos_;
    return input_.substr(start, pos_ - start);
  }
  std::string_view TakeToken() { return TakeWhile(IsTokenChar); }
  // At '"': appends the text without quotes, backslashes and line ends. False if it was not closed.
  bool TakeQuoted(std::string* out);

  static bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
  static bool IsTspecial(char c) {
    return std::string_view("()<>@,;:\\\"/[]?=").find(c) != std::string_view::npos;
  }
  // 8-bit octets pass: RFC 6532, 3.2 has UTF-8 wherever text is.
  static bool IsTokenChar(char c) { return !IsSpace(c) && !IsTspecial(c) && static_cast<unsigned char>(c) != 0x7f; }

 private:
  void SkipComment(std::string* comment);

  std::string_view input_;
  size_t pos_ = 0;
};

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_LEXER_H_
