#include "common/imap/scanner.h"

#include <charconv>

#include "common/imap/literal.h"
#include "common/imap/mailbox_name.h"

namespace mailmesh::imap::internal {
namespace {

size_t Run(std::string_view text, uint8_t classes) {
  size_t size = 0;
  while (size < text.size() && Is(text[size], classes)) ++size;
  return size;
}

}  // namespace

absl::Status Scanner::status() const {
  if (bad_name_) return absl::FailedPreconditionError(error_);
  return error_ == nullptr ? absl::OkStatus() : absl::InvalidArgumentError(error_);
}

std::string_view Scanner::PeekAtom() const { return rest_.substr(0, Run(rest_, kAtomChar)); }

bool Scanner::TakeWord(std::string_view word) {
  if (rest_.size() < word.size() || !EqualsUpper(rest_.substr(0, word.size()), word)) return false;
  if (rest_.size() > word.size() && Is(rest_[word.size()], kAtomChar)) return false;
  rest_.remove_prefix(word.size());
  return true;
}

bool Scanner::Atom(std::string_view* atom) {
  *atom = PeekAtom();
  if (atom->empty()) return Fail("Expected an atom");
  rest_.remove_prefix(atom->size());
  return true;
}

bool Scanner::AnyString(std::string* text, uint8_t classes) {
  if (At('"') || At('{')) return String(text);
  const size_t size = Run(rest_, classes);
  if (size == 0) return Fail("Expected a string");
  text->assign(rest_.substr(0, size));
  rest_.remove_prefix(size);
  return true;
}

bool Scanner::String(std::string* text) {
  if (At('"')) return Quoted(text);
  if (At('{')) return Literal(text);
  return Fail("Expected a quoted string or a literal");
}

bool Scanner::NString(std::optional<std::string>* text) {
  if (TakeWord("NIL")) {
    text->reset();
    return true;
  }
  return String(&text->emplace());
}

bool Scanner::Quoted(std::string* text) {
  rest_.remove_prefix(1);
  text->clear();
  for (;;) {
    const size_t plain = Run(rest_, kQuotedPlain);
    text->append(rest_.substr(0, plain));
    rest_.remove_prefix(plain);
    if (Take('"')) return true;
    if (!Take('\\')) return Fail("Quoted string is not ended or has a control character");
    // RFC 3501, 9 (QUOTED-CHAR): only these two may be escaped.
    if (!At('"') && !At('\\')) return Fail("Invalid escape in quoted string");
    text->push_back(rest_.front());
    rest_.remove_prefix(1);
  }
}

bool Scanner::Literal(std::string* text) {
  const size_t line_end = rest_.find("\r\n");
  LiteralHeader header;
  size_t header_size = 0;
  if (line_end == rest_.npos || ScanLiteralHeader(rest_.substr(0, line_end), &header, &header_size) != LiteralScan::kFound ||
      header_size != line_end || header.binary) {
    return Fail("Invalid literal");
  }
  rest_.remove_prefix(line_end + 2);
  if (header.size > rest_.size()) return Fail("Literal is cut");
  text->assign(rest_.substr(0, header.size));
  rest_.remove_prefix(header.size);
  // RFC 3501, 9 (CHAR8): only literal8 may have it.
  if (text->find('\0') != text->npos) return Fail("Literal has a NUL");
  return true;
}

bool Scanner::Number64(uint64_t* number) {
  const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), *number);
  if (error != std::errc() || *number > INT64_MAX) return Fail("Invalid number");
  rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
  return true;
}

bool Scanner::Number(uint32_t* number) {
  uint64_t wide = 0;
  if (!Number64(&wide)) return false;
  if (wide > UINT32_MAX) return Fail("Number is too large");
  *number = static_cast<uint32_t>(wide);
  return true;
}

bool Scanner::NzNumber(uint32_t* number) {
  // RFC 3501, 9 (nz-number): begins with 1 to 9.
  if (At('0')) return Fail("Number must not be zero");
  return Number(number);
}

bool Scanner::Set(SequenceSet* set) {
  size_t size = 0;
  while (size < rest_.size() && (IsDigit(rest_[size]) || rest_[size] == ',' || rest_[size] == ':' || rest_[size] == '*')) ++size;
  if (size == 0 && At('$')) size = 1;
  absl::StatusOr<SequenceSet> parsed = SequenceSet::Parse(rest_.substr(0, size));
  if (!parsed.ok()) return Fail("Invalid message set");
  *set = *std::move(parsed);
  rest_.remove_prefix(size);
  return true;
}

bool Scanner::KnownSet(SequenceSet* set) {
  if (!Set(set)) return false;
  return (!set->has_star() && !set->is_saved_result()) || Fail("Only numbers are allowed in this set");
}

bool Scanner::DecodeName(std::string* name) {
  absl::StatusOr<std::string> decoded = DecodeMailboxName(*name, utf8_accept_);
  if (!decoded.ok()) {
    bad_name_ = !failed();
    return Fail("Mailbox name is not valid");
  }
  *name = *std::move(decoded);
  return true;
}

bool Scanner::Mailbox(std::string* name) { return AString(name) && DecodeName(name); }

bool Scanner::ListPattern(std::string* pattern) { return ListMailbox(pattern) && DecodeName(pattern); }

bool Scanner::Charset(std::string* charset) {
  if (At('"')) {
    if (!Quoted(charset)) return false;
  } else {
    std::string_view atom;
    if (!Atom(&atom)) return false;
    charset->assign(atom);
  }
  for (char& c : *charset) c = Upper(c);
  return true;
}

bool Scanner::Flag(FlagList* flags, size_t* count) {
  if (++*count > kMaxFlagsInCommand) return Fail("Too many flags");
  const size_t backslash = At('\\') ? 1 : 0;
  const std::string_view name = rest_.substr(0, backslash + Run(rest_.substr(backslash), kAtomChar));
  if (name.size() == backslash) return Fail("Expected a flag");
  rest_.remove_prefix(name.size());
  if (backslash == 0) {
    if (name.size() > kMaxKeywordLength) return Fail("Keyword is too long");
    flags->AddKeyword(name);
    return true;
  }
  const std::optional<SystemFlags> bit = SystemFlagByName(name);
  // RFC 3501, 9 (flag): \Recent is none that a client could set. Unknown ones are refused, as Dovecot does.
  if (!bit || *bit == kRecent) return Fail("Unknown or unsettable system flag");
  flags->system |= *bit;
  return true;
}

bool Scanner::Flags(FlagList* flags, bool bare) {
  size_t count = 0;
  if (!At('(')) {
    if (!bare) return Fail("Expected a list of flags");
    do {
      if (!Flag(flags, &count)) return false;
    } while (Take(' '));
    return true;
  }
  rest_.remove_prefix(1);
  if (Take(')')) return true;
  do {
    if (!Flag(flags, &count)) return false;
  } while (Take(' '));
  return Close();
}

}  // namespace mailmesh::imap::internal
