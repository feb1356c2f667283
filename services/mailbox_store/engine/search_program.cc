#include "services/mailbox_store/engine/search_program.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/mime/search_text.h"
#include "common/text/ascii.h"
#include "common/text/casefold.h"
#include "common/text/substring_matcher.h"
#include "services/mailbox_store/engine/errors.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::DateTest;
using mailbox::v1::SearchKey;

constexpr int kMaxNodes = 1000;
constexpr int kMaxDepth = 64;
constexpr int64_t kDaySeconds = 86'400;

int64_t FloorDay(int64_t seconds) {
  return seconds >= 0 ? seconds / kDaySeconds : -((-seconds + kDaySeconds - 1) / kDaySeconds);
}

bool Compare(DateTest::Relation relation, int64_t day, int64_t wanted) {
  switch (relation) {
    case DateTest::RELATION_BEFORE:
      return day < wanted;
    case DateTest::RELATION_ON:
      return day == wanted;
    default:
      return day >= wanted;
  }
}

}  // namespace

// A key made ready: names resolved, texts folded, cheap branches first.
struct SearchProgram::Node {
  const SearchKey* key = nullptr;
  int cost = 0;
  Flags flag = 0;
  UidSet uids;
  std::string folded;
  std::optional<SearchField> field;
  std::vector<Node> children;
};

class SearchProgram::Compiler {
 public:
  explicit Compiler(const storage::v1::MailboxRecord& mailbox) : mailbox_(mailbox) {}

  absl::StatusOr<Node> Compile(const SearchKey& key, int depth = 0) {
    if (depth > kMaxDepth || ++nodes_ > kMaxNodes) return LimitReached("search keys");
    Node node;
    node.key = &key;
    switch (key.key_case()) {
      case SearchKey::kAllOf:
        return Children(std::move(node), key.all_of(), depth);
      case SearchKey::kAnyOf:
        return Children(std::move(node), key.any_of(), depth);
      case SearchKey::kNegated: {
        ASSIGN_OR_RETURN(Node child, Compile(key.negated(), depth + 1));
        node.cost = child.cost;
        node.children.push_back(std::move(child));
        return node;
      }
      case SearchKey::kUids: {
        ASSIGN_OR_RETURN(node.uids, UidSet::FromProto(key.uids()));
        return node;
      }
      case SearchKey::kFlag:
        node.flag = FlagOf(key.flag());
        return node;
      case SearchKey::kHeader:
        node.field = SearchFieldByName(key.header().field());
        node.folded = text::FoldCase(key.header().text());
        node.cost = node.field ? 2 : 3;
        return node;
      case SearchKey::kBody:
      case SearchKey::kText:
        node.cost = 4;
        return node;
      case SearchKey::kDate:
        node.cost = key.date().field() == DateTest::FIELD_SENT ? 2 : 1;
        return node;
      case SearchKey::kYoungerSeconds:
      case SearchKey::kOlderSeconds:
        node.cost = 1;
        return node;
      case SearchKey::kSize:
      case SearchKey::kModseqAtLeast:
        return node;
      case SearchKey::KEY_NOT_SET:
        return InvalidRequest("empty search key");
    }
    return InvalidRequest("unknown search key");
  }

 private:
  absl::StatusOr<Node> Children(Node node, const mailbox::v1::SearchKeyList& list, int depth) {
    for (const SearchKey& key : list.keys()) {
      ASSIGN_OR_RETURN(Node child, Compile(key, depth + 1));
      node.cost = std::max(node.cost, child.cost);
      node.children.push_back(std::move(child));
    }
    std::stable_sort(node.children.begin(), node.children.end(),
                     [](const Node& a, const Node& b) { return a.cost < b.cost; });
    return node;
  }

  Flags FlagOf(const mailbox::v1::FlagTest& test) const {
    if (test.system_flag() != 0) return test.system_flag() & kSystemFlags;
    for (int i = 0; i < mailbox_.keywords_size() && i < kMaxKeywords; ++i) {
      if (text::EqualsIgnoreAsciiCase(mailbox_.keywords(i), test.keyword())) return Flags{1} << (kFirstKeywordBit + i);
    }
    return 0;  // no message has it
  }

  const storage::v1::MailboxRecord& mailbox_;
  int nodes_ = 0;
};

// The test of one message.
class SearchProgram::Evaluation {
 public:
  Evaluation(StoredMessage& message, int64_t now) : message_(message), now_(now) {}

  absl::StatusOr<bool> Eval(const Node& node) {
    const SearchKey& key = *node.key;
    switch (key.key_case()) {
      case SearchKey::kAllOf:
      case SearchKey::kAnyOf: {
        const bool all = key.key_case() == SearchKey::kAllOf;
        for (const Node& child : node.children) {
          ASSIGN_OR_RETURN(const bool matches, Eval(child));
          if (matches != all) return matches;
        }
        // An empty list matches everything.
        return all || node.children.empty();
      }
      case SearchKey::kNegated: {
        ASSIGN_OR_RETURN(const bool matches, Eval(node.children.front()));
        return !matches;
      }
      case SearchKey::kUids:
        return node.uids.Contains(message_.uid());
      case SearchKey::kFlag:
        return (message_.record().flags & node.flag) != 0;
      case SearchKey::kHeader:
        return Header(node);
      case SearchKey::kBody:
        return Text(key.body(), /*header=*/false);
      case SearchKey::kText:
        return Text(key.text(), /*header=*/true);
      case SearchKey::kDate:
        return Date(key.date());
      case SearchKey::kSize:
        return key.size().larger() ? message_.record().size > key.size().size_bytes()
                                   : message_.record().size < key.size().size_bytes();
      case SearchKey::kModseqAtLeast:
        return message_.record().modseq >= key.modseq_at_least();
      case SearchKey::kYoungerSeconds: {
        ASSIGN_OR_RETURN(const EntryRecord* entry, message_.Entry());
        return entry->internal_seconds >= now_ - static_cast<int64_t>(key.younger_seconds());
      }
      case SearchKey::kOlderSeconds: {
        ASSIGN_OR_RETURN(const EntryRecord* entry, message_.Entry());
        // RFC 5032, 2: "less recent than or equal to the target time".
        return entry->internal_seconds <= now_ - static_cast<int64_t>(key.older_seconds());
      }
      case SearchKey::KEY_NOT_SET:
        break;
    }
    return InvalidRequest("unknown search key");
  }

 private:
  absl::StatusOr<bool> Header(const Node& node) {
    const mailbox::v1::HeaderTest& test = node.key->header();
    if (node.field) {
      ASSIGN_OR_RETURN(const SearchRecord* record, message_.Search());
      if (!record->present[*node.field]) return false;
      const std::string_view text = record->texts[*node.field];
      const bool found = *node.field >= kMessageId ? text::ContainsIgnoreCase(text, test.text())
                                                   : text.find(node.folded) != std::string_view::npos;
      if (found || !record->cut) return found;
    }
    ASSIGN_OR_RETURN(const std::string header, message_.Header());
    return mime::HeaderContains(header, test.field(), test.text());
  }

  absl::StatusOr<bool> Text(const std::string& needle, bool header) {
    ASSIGN_OR_RETURN(ContentSource * source, message_.Source());
    ASSIGN_OR_RETURN(const mime::Structure* structure, message_.Structure());
    mime::SubstringSink sink(needle);
    mime::SearchScope what;
    what.message_header = header;
    mime::SearchText text(*structure, what, &sink);
    while (!sink.found()) {
      const uint64_t offset = text.next_offset();
      if (offset >= source->size()) break;
      text.SeekTo(offset);
      ASSIGN_OR_RETURN(const std::string_view piece, source->Read(offset, source->size() - offset));
      text.Feed(piece);
    }
    text.Finish();
    return sink.found();
  }

  absl::StatusOr<bool> Date(const DateTest& test) {
    if (test.field() == DateTest::FIELD_SENT) {
      ASSIGN_OR_RETURN(const SearchRecord* record, message_.Search());
      return record->has_date && Compare(test.relation(), record->sent_day, test.day());
    }
    ASSIGN_OR_RETURN(const EntryRecord* entry, message_.Entry());
    const int64_t seconds = test.field() == DateTest::FIELD_SAVED
                                ? entry->save_seconds
                                : entry->internal_seconds + int64_t{60} * entry->zone_minutes;
    return Compare(test.relation(), FloorDay(seconds), test.day());
  }

  StoredMessage& message_;
  const int64_t now_;
};

SearchProgram::SearchProgram(SearchKey key, int64_t now) : key_(std::move(key)), now_(now) {}
SearchProgram::~SearchProgram() = default;

absl::StatusOr<std::unique_ptr<SearchProgram>> SearchProgram::Make(const ReadScope& scope,
                                                                   const storage::v1::MailboxRecord& mailbox,
                                                                   const SearchKey& key) {
  std::unique_ptr<SearchProgram> program(new SearchProgram(key, scope.store().NowSeconds()));
  ASSIGN_OR_RETURN(Node root, Compiler(mailbox).Compile(program->key_));
  program->root_ = std::make_unique<Node>(std::move(root));
  return program;
}

absl::StatusOr<bool> SearchProgram::Matches(StoredMessage& message) const {
  return Evaluation(message, now_).Eval(*root_);
}

}  // namespace mailmesh::mailbox_store
