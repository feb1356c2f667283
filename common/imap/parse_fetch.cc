// FETCH and its items.
#include <utility>

#include "common/imap/parse.h"

namespace mailmesh::imap {
namespace internal {
namespace {

using Kind = FetchItem::Kind;

// "HEADER.FIELDS (A B)"
bool ParseHeaderFields(Scanner& in, Section* section) {
  if (!in.Space() || !in.Open()) return false;
  do {
    if (section->fields.size() == kMaxHeaderFields) return in.Fail("Too many header fields");
    if (!in.AString(&section->fields.emplace_back())) return false;
  } while (in.Take(' '));
  return in.Close();
}

// What stands behind the part number, or alone.
bool ParseSectionText(Scanner& in, Section* section) {
  if (in.TakeWord("HEADER")) {
    section->text = Section::Text::kHeader;
  } else if (in.TakeWord("TEXT")) {
    section->text = Section::Text::kText;
  } else if (in.TakeWord("HEADER.FIELDS")) {
    section->text = Section::Text::kHeaderFields;
    return ParseHeaderFields(in, section);
  } else if (in.TakeWord("HEADER.FIELDS.NOT")) {
    section->text = Section::Text::kHeaderFieldsNot;
    return ParseHeaderFields(in, section);
  } else if (in.TakeWord("MIME")) {
    // RFC 3501, 6.4.5: MIME must be prefixed by part numbers.
    if (section->part.empty()) return in.Fail("MIME needs a part number");
    section->text = Section::Text::kMime;
  } else {
    return in.Fail("Unknown section");
  }
  return true;
}

// "[1.2.HEADER]"; BINARY knows part numbers only.
bool ParseSection(Scanner& in, Section* section, bool binary) {
  if (!in.Take('[')) return in.Fail("Expected a section");
  if (in.Take(']')) return true;
  while (in.AtDigit()) {
    uint32_t number = 0;
    if (!in.NzNumber(&number)) return false;
    if (section->part.size() == kMaxPartDepth) return in.Fail("Part number is too deep");
    section->part.push_back(number);
    if (in.Take(']')) return true;
    if (!in.Take('.')) return in.Fail("Invalid section");
  }
  if (binary) return in.Fail("Invalid section");
  if (!ParseSectionText(in, section)) return false;
  return in.Take(']') || in.Fail("Section is not ended");
}

// "<0.100>"
bool ParsePartial(Scanner& in, FetchItem* item) {
  if (!in.Take('<')) return true;
  Partial& partial = item->partial.emplace();
  if (!in.Number64(&partial.offset)) return false;
  if (!in.Take('.')) return in.Fail("Invalid partial");
  if (!in.Number64(&partial.size)) return false;
  // RFC 3501, 9 (partial): nz-number
  if (partial.size == 0) return in.Fail("Partial must not be empty");
  return in.Take('>') || in.Fail("Invalid partial");
}

bool ParseSectionItem(Scanner& in, FetchItem* item, Kind kind, bool peek) {
  item->kind = kind;
  item->peek = peek;
  return ParseSection(in, &item->section, kind != Kind::kBodySection) &&
         (kind == Kind::kBinarySize || ParsePartial(in, item));
}

struct Plain {
  std::string_view name;
  Kind kind;
  Section::Text text = Section::Text::kAll;
  bool peek = true;
};
constexpr Plain kPlain[] = {
    {"UID", Kind::kUid},
    {"FLAGS", Kind::kFlags},
    {"RFC822.SIZE", Kind::kRfc822Size},
    {"INTERNALDATE", Kind::kInternalDate},
    {"ENVELOPE", Kind::kEnvelope},
    {"BODYSTRUCTURE", Kind::kBodyStructure},
    {"MODSEQ", Kind::kModSeq},
    // RFC 3501, 6.4.5: "functionally equivalent to BODY[]", to BODY.PEEK[HEADER], to BODY[TEXT].
    {"RFC822", Kind::kRfc822, Section::Text::kAll, false},
    {"RFC822.HEADER", Kind::kRfc822Header, Section::Text::kHeader, true},
    {"RFC822.TEXT", Kind::kRfc822Text, Section::Text::kText, false},
};

// The name of a section's item ends at its bracket, which is an atom character: it cannot be read as a word.
std::string_view NameAtFront(const Scanner& in) {
  const std::string_view atom = in.PeekAtom();
  return atom.substr(0, atom.find('['));
}

void Skip(Scanner& in, size_t size) {
  for (const char c : std::string_view(in.rest().substr(0, size))) in.Take(c);
}

bool ParseItem(Scanner& in, FetchItem* item) {
  const std::string_view name = NameAtFront(in);
  const bool bracket = name.size() < in.rest().size() && in.rest()[name.size()] == '[';
  if (!bracket) {
    if (in.TakeWord("BODY")) {
      item->kind = Kind::kBody;
      return true;
    }
    for (const Plain& plain : kPlain) {
      if (!in.TakeWord(plain.name)) continue;
      item->kind = plain.kind;
      item->section.text = plain.text;
      item->peek = plain.kind >= Kind::kBodySection && plain.peek;
      return true;
    }
    return in.Fail("Unknown FETCH item");
  }
  struct Bracketed {
    std::string_view name;
    Kind kind;
    bool peek;
  };
  static constexpr Bracketed kBracketed[] = {{"BODY.PEEK", Kind::kBodySection, true},
                                             {"BODY", Kind::kBodySection, false},
                                             {"BINARY.PEEK", Kind::kBinary, true},
                                             {"BINARY", Kind::kBinary, false},
                                             {"BINARY.SIZE", Kind::kBinarySize, true}};
  for (const Bracketed& known : kBracketed) {
    if (!EqualsUpper(name, known.name)) continue;
    Skip(in, name.size());
    return ParseSectionItem(in, item, known.kind, known.peek);
  }
  return in.Fail("Unknown FETCH item");
}

void AddKinds(std::vector<FetchItem>* items, std::initializer_list<Kind> kinds) {
  for (const Kind kind : kinds) items->emplace_back().kind = kind;
}

// RFC 3501, 6.4.5: macros stand alone, not in a list.
bool TakeMacro(Scanner& in, std::vector<FetchItem>* items) {
  if (in.TakeWord("ALL")) {
    AddKinds(items, {Kind::kFlags, Kind::kInternalDate, Kind::kRfc822Size, Kind::kEnvelope});
  } else if (in.TakeWord("FAST")) {
    AddKinds(items, {Kind::kFlags, Kind::kInternalDate, Kind::kRfc822Size});
  } else if (in.TakeWord("FULL")) {
    AddKinds(items, {Kind::kFlags, Kind::kInternalDate, Kind::kRfc822Size, Kind::kEnvelope, Kind::kBody});
  } else {
    return false;
  }
  return true;
}

bool ParseModifier(Scanner& in, Fetch* out) {
  if (in.TakeWord("CHANGEDSINCE")) {
    if (!in.Space() || !in.Number64(&out->changed_since.emplace())) return false;
    // RFC 7162, 7 (mod-sequence-value): at least 1. Dovecot and others take 0, which clients send on first contact.
    return true;
  }
  if (in.TakeWord("VANISHED")) {
    out->vanished = true;
    return true;
  }
  return in.Fail("Unknown FETCH modifier");
}

}  // namespace

bool ParseItems(Scanner& in, std::vector<FetchItem>* items) {
  if (TakeMacro(in, items)) return true;
  if (!in.Take('(')) return ParseItem(in, &items->emplace_back());
  do {
    if (items->size() == kMaxFetchItems) return in.Fail("Too many FETCH items");
    if (!ParseItem(in, &items->emplace_back())) return false;
  } while (in.Take(' '));
  return in.Close();
}

bool ParseFetch(Scanner& in, Fetch* out) {
  if (!in.Space() || !in.Set(&out->set) || !in.Space() || !ParseItems(in, &out->items)) return false;
  if (in.AtEnd()) return true;
  if (!in.Space() || !in.Open()) return false;
  do {
    if (!ParseModifier(in, out)) return false;
  } while (in.Take(' '));
  // RFC 7162, 3.2.6: VANISHED without CHANGEDSINCE, or with FETCH and not UID FETCH, is a BAD command.
  if (out->vanished && (!out->uid || !out->changed_since)) return in.Fail("VANISHED needs UID FETCH and CHANGEDSINCE");
  return in.Close();
}

}  // namespace internal

absl::StatusOr<std::vector<FetchItem>> ParseFetchItems(std::string_view text) {
  internal::Scanner in(text);
  std::vector<FetchItem> items;
  if (!internal::ParseItems(in, &items) || !in.End()) return in.status();
  return items;
}

}  // namespace mailmesh::imap
