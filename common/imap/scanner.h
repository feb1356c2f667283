// Reads the lexical forms of one command, from left to right. Internal to common/imap.
//
// Each function takes what it names from the front and says whether it was there. The first failure that is an error is
// remembered with its text (constant: safe to send); once it is, `failed()` stays true. So a parser is a chain of && and
// makes its status at the end.
// Thread-safety: one thread; the views given out live as long as the command's text.
// RFC 3501, 9.
#ifndef MAILMESH_COMMON_IMAP_SCANNER_H_
#define MAILMESH_COMMON_IMAP_SCANNER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/imap/chars.h"
#include "common/imap/command_parser.h"
#include "common/imap/flags.h"
#include "common/imap/sequence_set.h"

namespace mailmesh::imap::internal {

class Scanner {
 public:
  explicit Scanner(std::string_view text, bool utf8_accept = false) : rest_(text), utf8_accept_(utf8_accept) {}

  // ---- Looking: no error when it is not there.
  bool AtEnd() const { return rest_.empty(); }
  bool At(char c) const { return !rest_.empty() && rest_.front() == c; }
  bool AtDigit() const { return !rest_.empty() && IsDigit(rest_.front()); }
  bool Take(char c) {
    if (!At(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // A word in capitals, in any case, that ends here: no further atom character follows.
  bool TakeWord(std::string_view word);
  // The atom characters at the front, not taken.
  std::string_view PeekAtom() const;
  std::string_view rest() const { return rest_; }

  // ---- Demanding: an error when it is not there.
  bool Space() { return Take(' ') || Fail("Expected a space"); }
  bool Open() { return Take('(') || Fail("Expected a list"); }
  bool Close() { return Take(')') || Fail("Expected the end of a list"); }
  bool End() { return AtEnd() || Fail("Unexpected text after the arguments"); }
  bool Atom(std::string_view* atom);
  bool AString(std::string* text) { return AnyString(text, kAStringChar); }
  // RFC 3501, 9 (list-mailbox): wildcards, too.
  bool ListMailbox(std::string* text) { return AnyString(text, kListChar); }
  bool String(std::string* text);
  // NIL is nothing.
  bool NString(std::optional<std::string>* text);
  bool Number(uint32_t* number);
  bool NzNumber(uint32_t* number);
  // 63 bits, as RFC 9051 and RFC 7162 have it.
  bool Number64(uint64_t* number);
  bool Set(SequenceSet* set);
  // A set without "*" and "$" (RFC 7162).
  bool KnownSet(SequenceSet* set);
  // Decoded; sets `bad_name` where it is no name.
  bool Mailbox(std::string* name);
  bool ListPattern(std::string* pattern);
  // RFC 3501, 9 (charset): atom / quoted; upper case.
  bool Charset(std::string* charset);
  // "(\Seen word)"; also without parentheses and not empty where `bare` (STORE).
  bool Flags(FlagList* flags, bool bare);

  // Remembers the first error. Always false.
  bool Fail(const char* text) {
    if (error_ == nullptr) error_ = text;
    return false;
  }
  bool failed() const { return error_ != nullptr; }
  absl::Status status() const;

 private:
  bool AnyString(std::string* text, uint8_t classes);
  bool Quoted(std::string* text);
  bool Literal(std::string* text);
  bool DecodeName(std::string* name);
  bool Flag(FlagList* flags, size_t* count);

  std::string_view rest_;
  const char* error_ = nullptr;
  bool bad_name_ = false;
  bool utf8_accept_ = false;
};

}  // namespace mailmesh::imap::internal

#endif  // MAILMESH_COMMON_IMAP_SCANNER_H_
