// SearchMessages: evaluates a search program next to the data (RFC 3501, 6.4.4), cheapest columns first: a key over flags
// reads no entries, one over a subject no contents.

#include <algorithm>

#include "common/base/status.h"
#include "common/mime/search_text.h"
#include "common/text/ascii.h"
#include "common/text/casefold.h"
#include "common/text/substring_matcher.h"
#include "services/mailbox_store/engine/content_source.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/reads.h"
#include "services/mailbox_store/engine/search_record.h"
#include "services/mailbox_store/engine/section.h"
#include "services/mailbox_store/engine/summary.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::DateTest;
using mailbox::v1::SearchKey;
using mailbox::v1::SearchMessagesRequest;
using mailbox::v1::SearchMessagesResponse;

constexpr int kMaxNodes = 1000;
constexpr int kMaxDepth = 64;
constexpr int kMessagesBetweenLooks = 64;
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

// A key made ready: names resolved, texts folded, cheap branches first.
struct Node {
  const SearchKey* key = nullptr;
  int cost = 0;
  Flags flag = 0;
  UidSet uids;
  std::string folded;
  std::optional<SearchField> field;
  std::vector<Node> children;
};

class Compiler {
 public:
  Compiler(const storage::v1::MailboxRecord& mailbox) : mailbox_(mailbox) {}

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

class Searcher {
 public:
  Searcher(const ReadScope& scope, MailboxId id)
      : scope_(scope),
        now_(scope.store().NowSeconds()),
        entries_(PagedColumn::Entries(scope, id)),
        searches_(PagedColumn::Summaries(scope, id, SummaryKind::kSearch)),
        structures_(PagedColumn::Summaries(scope, id, SummaryKind::kStructure)) {}

  absl::StatusOr<bool> Matches(const MessageScan& message, const Node& root) {
    message_ = &message;
    entry_.reset();
    search_.reset();
    structure_.reset();
    source_.reset();
    return Eval(root);
  }

 private:
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
        return node.uids.Contains(message_->uid());
      case SearchKey::kFlag:
        return (message_->record().flags & node.flag) != 0;
      case SearchKey::kHeader:
        return Header(node);
      case SearchKey::kBody:
        return Text(key.body(), /*header=*/false);
      case SearchKey::kText:
        return Text(key.text(), /*header=*/true);
      case SearchKey::kDate:
        return Date(key.date());
      case SearchKey::kSize:
        return key.size().larger() ? message_->record().size > key.size().size_bytes()
                                   : message_->record().size < key.size().size_bytes();
      case SearchKey::kModseqAtLeast:
        return message_->record().modseq >= key.modseq_at_least();
      case SearchKey::kYoungerSeconds: {
        ASSIGN_OR_RETURN(const EntryRecord* entry, Entry());
        return entry->internal_seconds >= now_ - static_cast<int64_t>(key.younger_seconds());
      }
      case SearchKey::kOlderSeconds: {
        ASSIGN_OR_RETURN(const EntryRecord* entry, Entry());
        return entry->internal_seconds < now_ - static_cast<int64_t>(key.older_seconds());
      }
      case SearchKey::KEY_NOT_SET:
        break;
    }
    return InvalidRequest("unknown search key");
  }

  absl::StatusOr<bool> Header(const Node& node) {
    const mailbox::v1::HeaderTest& test = node.key->header();
    if (node.field) {
      ASSIGN_OR_RETURN(const SearchRecord* record, Search());
      if (!record->present[*node.field]) return false;
      const std::string_view text = record->texts[*node.field];
      const bool found = *node.field >= kMessageId ? text::ContainsIgnoreCase(text, test.text())
                                                   : text.find(node.folded) != std::string_view::npos;
      if (found || !record->cut) return found;
    }
    ASSIGN_OR_RETURN(ContentSource * source, Source());
    ASSIGN_OR_RETURN(const std::string header, source->ReadAll(0, std::min(source->header_size(), kMaxHeader)));
    return mime::HeaderContains(header, test.field(), test.text());
  }

  absl::StatusOr<bool> Text(const std::string& needle, bool header) {
    ASSIGN_OR_RETURN(ContentSource * source, Source());
    ASSIGN_OR_RETURN(const mime::Structure* structure, Structure());
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
      ASSIGN_OR_RETURN(const SearchRecord* record, Search());
      return record->has_date && Compare(test.relation(), record->sent_day, test.day());
    }
    ASSIGN_OR_RETURN(const EntryRecord* entry, Entry());
    const int64_t seconds = test.field() == DateTest::FIELD_SAVED
                                ? entry->save_seconds
                                : entry->internal_seconds + int64_t{60} * entry->zone_minutes;
    return Compare(test.relation(), FloorDay(seconds), test.day());
  }

  absl::StatusOr<const EntryRecord*> Entry() {
    if (!entry_) {
      ASSIGN_OR_RETURN(const std::string_view octets, entries_.At(message_->uid()));
      entry_.emplace();
      if (!entry_->Decode(octets)) return Damaged("entry");
    }
    return &*entry_;
  }

  absl::StatusOr<const SearchRecord*> Search() {
    if (!search_) {
      ASSIGN_OR_RETURN(const std::string_view octets, searches_.At(message_->uid()));
      search_.emplace();
      if (!DecodeSearchRecord(octets, &*search_)) return Damaged("search record");
    }
    return &*search_;
  }

  absl::StatusOr<const mime::Structure*> Structure() {
    if (!structure_) {
      ASSIGN_OR_RETURN(const std::string_view octets, structures_.At(message_->uid()));
      storage::v1::MessageStructure stored;
      if (!stored.ParseFromArray(octets.data(), static_cast<int>(octets.size()))) return Damaged("structure");
      structure_ = ToMime(stored);
    }
    return &*structure_;
  }

  absl::StatusOr<ContentSource*> Source() {
    if (source_ == nullptr) {
      ASSIGN_OR_RETURN(const EntryRecord* entry, Entry());
      source_ = std::make_unique<ContentSource>(scope_, *entry, message_->record().size);
    }
    return source_.get();
  }

  const ReadScope& scope_;
  const int64_t now_;
  PagedColumn entries_;
  PagedColumn searches_;
  PagedColumn structures_;
  const MessageScan* message_ = nullptr;
  std::optional<EntryRecord> entry_;
  std::optional<SearchRecord> search_;
  std::optional<mime::Structure> structure_;
  std::unique_ptr<ContentSource> source_;
};

}  // namespace

absl::StatusOr<SearchMessagesResponse> SearchMessages(Store& store, const SearchMessagesRequest& request,
                                                      const std::function<bool()>& cancelled) {
  ASSIGN_OR_RETURN(const auto scope, ReadScope::Open(store, request.account_id()));
  const std::optional<MailboxId> id = ParseMailboxId(request.mailbox_id());
  if (!id) return MailboxNotFound(request.mailbox_id());
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord mailbox, scope->Mailbox(*id));
  UidSet within = UidSet::All();
  if (request.has_within()) {
    ASSIGN_OR_RETURN(within, UidSet::FromProto(request.within()));
  }
  ASSIGN_OR_RETURN(const Node program, Compiler(mailbox).Compile(request.key()));
  Searcher searcher(*scope, *id);
  MessageScan scan(*scope, *id, within);
  UidSet found;
  for (int i = 0;; ++i) {
    if (i % kMessagesBetweenLooks == 0 && cancelled && cancelled()) return absl::CancelledError("search");
    ASSIGN_OR_RETURN(const bool more, scan.Next());
    if (!more) break;
    ASSIGN_OR_RETURN(const bool matches, searcher.Matches(scan, program));
    if (matches) found.Append(scan.uid());
  }
  SearchMessagesResponse response;
  found.ToProto(response.mutable_uids());
  response.set_modseq(mailbox.highest_modseq());
  return response;
}

}  // namespace mailmesh::mailbox_store
