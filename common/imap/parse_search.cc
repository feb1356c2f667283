// SEARCH, SORT and THREAD. RFC 3501, 6.4.4; RFC 4731; RFC 5182; RFC 5256; RFC 5032; RFC 7162, 3.1.5.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "common/imap/parse.h"
#include "common/imap/search_tree.h"

namespace mailmesh::imap::internal {
namespace {

using Kind = SearchKey::Kind;

// How the rest of a key is read.
enum class Form : uint8_t {
  kNone, kFlag, kUnflag, kNew, kText, kDate, kNumber, kInterval, kKeyword, kUnkeyword, kHeader, kUid, kModSeq
};

struct KeyName {
  std::string_view name;
  Form form;
  Kind kind = Kind::kAll;
  SystemFlags flag = 0;
};

// Sorted by name.
constexpr std::array<KeyName, 36> kKeys = {{
    {"ALL", Form::kNone, Kind::kAll},
    {"ANSWERED", Form::kFlag, Kind::kFlag, kAnswered},
    {"BCC", Form::kText, Kind::kBcc},
    {"BEFORE", Form::kDate, Kind::kBefore},
    {"BODY", Form::kText, Kind::kBody},
    {"CC", Form::kText, Kind::kCc},
    {"DELETED", Form::kFlag, Kind::kFlag, kDeleted},
    {"DRAFT", Form::kFlag, Kind::kFlag, kDraft},
    {"FLAGGED", Form::kFlag, Kind::kFlag, kFlagged},
    {"FROM", Form::kText, Kind::kFrom},
    {"HEADER", Form::kHeader, Kind::kHeader},
    {"KEYWORD", Form::kKeyword, Kind::kKeyword},
    {"LARGER", Form::kNumber, Kind::kLarger},
    {"MODSEQ", Form::kModSeq, Kind::kModSeq},
    {"NEW", Form::kNew},
    {"OLD", Form::kUnflag, Kind::kFlag, kRecent},
    {"OLDER", Form::kInterval, Kind::kOlder},
    {"ON", Form::kDate, Kind::kOn},
    {"RECENT", Form::kFlag, Kind::kFlag, kRecent},
    {"SEEN", Form::kFlag, Kind::kFlag, kSeen},
    {"SENTBEFORE", Form::kDate, Kind::kSentBefore},
    {"SENTON", Form::kDate, Kind::kSentOn},
    {"SENTSINCE", Form::kDate, Kind::kSentSince},
    {"SINCE", Form::kDate, Kind::kSince},
    {"SMALLER", Form::kNumber, Kind::kSmaller},
    {"SUBJECT", Form::kText, Kind::kSubject},
    {"TEXT", Form::kText, Kind::kText},
    {"TO", Form::kText, Kind::kTo},
    {"UID", Form::kUid, Kind::kUid},
    {"UNANSWERED", Form::kUnflag, Kind::kFlag, kAnswered},
    {"UNDELETED", Form::kUnflag, Kind::kFlag, kDeleted},
    {"UNDRAFT", Form::kUnflag, Kind::kFlag, kDraft},
    {"UNFLAGGED", Form::kUnflag, Kind::kFlag, kFlagged},
    {"UNKEYWORD", Form::kUnkeyword, Kind::kKeyword},
    {"UNSEEN", Form::kUnflag, Kind::kFlag, kSeen},
    {"YOUNGER", Form::kInterval, Kind::kYounger},
}};

static_assert(std::is_sorted(kKeys.begin(), kKeys.end(), [](const KeyName& a, const KeyName& b) { return a.name < b.name; }));

const KeyName* FindKey(std::string_view word) {
  char upper[12];
  if (word.empty() || word.size() > sizeof(upper)) return nullptr;
  std::transform(word.begin(), word.end(), upper, Upper);
  const std::string_view name(upper, word.size());
  const auto found = std::lower_bound(kKeys.begin(), kKeys.end(), name,
                                      [](const KeyName& key, std::string_view n) { return key.name < n; });
  return found != kKeys.end() && found->name == name ? &*found : nullptr;
}

bool ParseDateArgument(Scanner& in, Date* out) {
  // RFC 3501, 9 (date): with or without quotes.
  std::string text;
  if (!in.AString(&text)) return false;
  absl::StatusOr<Date> date = ParseDate(text);
  if (!date.ok()) return in.Fail("Invalid date");
  *out = *date;
  return true;
}

// RFC 7162, 7: "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer
bool ParseModSeq(Scanner& in, SearchKey* key) {
  // The name is quoted by the grammar; a literal says the same, and AppendSearchKey may need one.
  if (in.At('"') || in.At('{')) {
    if (!in.String(&key->field) || !in.Space()) return false;
    if (!in.TakeWord("PRIV") && !in.TakeWord("SHARED") && !in.TakeWord("ALL")) return in.Fail("Unknown MODSEQ entry type");
    if (!in.Space()) return false;
  }
  return in.Number64(&key->number);
}

bool ParseInterval(Scanner& in, SearchKey* key) {
  uint32_t seconds = 0;
  if (!in.NzNumber(&seconds)) return false;
  key->number = seconds;
  return true;
}

bool ParseKeyword(Scanner& in, SearchKey* key) {
  std::string_view keyword;
  if (!in.Atom(&keyword)) return false;
  key->text.assign(keyword);
  return true;
}

SearchNode Negated(SearchKey key) {
  SearchNode node;
  node.key.kind = Kind::kNot;
  node.key.children.push_back(std::move(key));
  node.depth = 2;
  return node;
}

SearchKey FlagKey(SystemFlags flag) {
  SearchKey key;
  key.kind = Kind::kFlag;
  key.flag = flag;
  return key;
}

// RFC 3501, 6.4.4: NEW is (RECENT UNSEEN).
SearchNode NewKey() {
  SearchNode node;
  node.key.kind = Kind::kAnd;
  node.key.children.push_back(FlagKey(kRecent));
  node.key.children.push_back(Negated(FlagKey(kSeen)).key);
  node.depth = 3;
  return node;
}

// The argument of a key that has one.
bool ParseArgument(Scanner& in, Form form, SearchKey* key) {
  if (!in.Space()) return false;
  switch (form) {
    case Form::kText:
      return in.AString(&key->text);
    case Form::kDate:
      return ParseDateArgument(in, &key->date);
    case Form::kNumber:
      return in.Number64(&key->number);
    case Form::kInterval:
      return ParseInterval(in, key);
    case Form::kKeyword:
    case Form::kUnkeyword:
      return ParseKeyword(in, key);
    case Form::kHeader:
      return in.AString(&key->field) && in.Space() && in.AString(&key->text);
    case Form::kUid:
      return in.Set(&key->set);
    case Form::kModSeq:
      return ParseModSeq(in, key);
    case Form::kNone:
    case Form::kFlag:
    case Form::kUnflag:
    case Form::kNew:
      break;
  }
  return in.Fail("Unknown search key");
}

bool ParseLeaf(Scanner& in, SearchNode* node) {
  if (in.AtDigit() || in.At('*') || in.At('$')) {
    node->key.kind = Kind::kSequence;
    return in.Set(&node->key.set);
  }
  const KeyName* const name = FindKey(in.PeekAtom());
  if (name == nullptr) return in.Fail("Unknown search key");
  in.TakeWord(name->name);
  node->key.kind = name->kind;
  node->key.flag = name->flag;
  switch (name->form) {
    case Form::kNone:
    case Form::kFlag:
      return true;
    case Form::kUnflag:
      *node = Negated(std::move(node->key));
      return true;
    case Form::kNew:
      *node = NewKey();
      return true;
    default:
      break;
  }
  if (!ParseArgument(in, name->form, &node->key)) return false;
  if (name->form == Form::kUnkeyword) *node = Negated(std::move(node->key));
  return true;
}

// RFC 3501, 9: search-key *(SP search-key), to the end of the command.
class TreeParser {
 public:
  TreeParser(Scanner& in, const SearchLimits& limits) : in_(in), limits_(limits) {}

  bool Parse(SearchKey* out) {
    stack_.emplace_back(Kind::kAnd, 0);
    for (;;) {
      if (++keys_ > limits_.max_keys) return in_.Fail("Too many search keys");
      bool opened = false;
      if (!Open(&opened)) return false;
      if (opened) continue;
      SearchNode node;
      if (!ParseLeaf(in_, &node)) return false;
      if (!Close(&node)) return false;
      if (stack_.empty()) {
        *out = std::move(node.key);
        return true;
      }
    }
  }

 private:
  bool Push(Kind kind, size_t missing) {
    if (stack_.size() > limits_.max_open) return in_.Fail("Search is nested too deeply");
    stack_.emplace_back(kind, missing);
    return true;
  }

  // Takes what begins an inner node, if one begins here.
  bool Open(bool* opened) {
    *opened = true;
    if (in_.Take('(')) return Push(Kind::kAnd, 0);
    if (in_.TakeWord("NOT")) {
      if (!in_.Space()) return false;
      if (stack_.back().kind() != Kind::kNot) return Push(Kind::kNot, 1);
      stack_.pop_back();  // NOT NOT
      return true;
    }
    if (in_.TakeWord("OR")) {
      if (!in_.Space()) return false;
      if (stack_.back().kind() != Kind::kOr) return Push(Kind::kOr, 2);
      stack_.back().Widen();
      return true;
    }
    *opened = false;
    return true;
  }

  // Hands a complete key to what waits for it, and that, if it is complete thereby, to what waits for it, and so on.
  // At the end of the command the stack is empty and `node` the whole; else a space has been taken.
  bool Close(SearchNode* node) {
    while (!stack_.empty()) {
      SearchFrame& frame = stack_.back();
      frame.Add(std::move(*node));
      const bool top = stack_.size() == 1;
      const bool ended = frame.is_list() ? (top ? in_.AtEnd() : in_.Take(')')) : frame.complete();
      if (!ended) return in_.Space();
      *node = frame.Finish();
      if (node->depth > limits_.max_depth) return in_.Fail("Search is nested too deeply");
      stack_.pop_back();
    }
    return true;
  }

  Scanner& in_;
  const SearchLimits& limits_;
  std::vector<SearchFrame> stack_;
  size_t keys_ = 0;
};

bool ParseTree(Scanner& in, const SearchLimits& limits, SearchKey* out) { return TreeParser(in, limits).Parse(out); }

bool ParseReturnOption(Scanner& in, SearchReturn* returns) {
  if (in.TakeWord("MIN")) {
    *returns |= kReturnMin;
  } else if (in.TakeWord("MAX")) {
    *returns |= kReturnMax;
  } else if (in.TakeWord("ALL")) {
    *returns |= kReturnAll;
  } else if (in.TakeWord("COUNT")) {
    *returns |= kReturnCount;
  } else if (in.TakeWord("SAVE")) {
    *returns |= kReturnSave;
  } else {
    return in.Fail("Unknown SEARCH return option");
  }
  return true;
}

bool ParseReturnOptions(Scanner& in, std::optional<SearchReturn>* out) {
  SearchReturn& returns = out->emplace(SearchReturn{0});
  if (!in.Space() || !in.Open()) return false;
  if (in.Take(')')) {
    returns = kReturnAll;
    return true;
  }
  do {
    if (!ParseReturnOption(in, &returns)) return false;
  } while (in.Take(' '));
  return in.Close();
}

bool ParseCriterion(Scanner& in, SortCriterion* out) {
  using Key = SortCriterion::Key;
  struct Name {
    std::string_view name;
    Key key;
  };
  static constexpr Name kNames[] = {{"ARRIVAL", Key::kArrival}, {"CC", Key::kCc},     {"DATE", Key::kDate},
                                    {"FROM", Key::kFrom},       {"SIZE", Key::kSize}, {"SUBJECT", Key::kSubject},
                                    {"TO", Key::kTo}};
  if (in.TakeWord("REVERSE")) {
    out->reverse = true;
    if (!in.Space()) return false;
  }
  for (const Name& name : kNames) {
    if (!in.TakeWord(name.name)) continue;
    out->key = name.key;
    return true;
  }
  return in.Fail("Unknown sort key");
}

}  // namespace

bool ParseSearch(Scanner& in, const SearchLimits& limits, Search* out) {
  if (!in.Space()) return false;
  if (in.TakeWord("RETURN")) {
    if (!ParseReturnOptions(in, &out->returns) || !in.Space()) return false;
  }
  if (in.TakeWord("CHARSET")) {
    if (!in.Space() || !in.Charset(&out->charset) || !in.Space()) return false;
  }
  return ParseTree(in, limits, &out->key);
}

bool ParseSort(Scanner& in, const SearchLimits& limits, Sort* out) {
  constexpr size_t kMaxCriteria = 50;
  if (!in.Space() || !in.Open()) return false;
  do {
    if (out->criteria.size() == kMaxCriteria) return in.Fail("Too many sort keys");
    if (!ParseCriterion(in, &out->criteria.emplace_back())) return false;
  } while (in.Take(' '));
  return in.Close() && in.Space() && in.Charset(&out->charset) && in.Space() && ParseTree(in, limits, &out->key);
}

bool ParseThread(Scanner& in, const SearchLimits& limits, Thread* out) {
  if (!in.Space()) return false;
  if (in.TakeWord("REFERENCES")) {
    out->algorithm = Thread::Algorithm::kReferences;
  } else if (!in.TakeWord("ORDEREDSUBJECT")) {
    return in.Fail("Unknown threading algorithm");
  }
  return in.Space() && in.Charset(&out->charset) && in.Space() && ParseTree(in, limits, &out->key);
}

}  // namespace mailmesh::imap::internal
