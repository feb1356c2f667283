#include "services/imap_gateway/search_program.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/rpc/status.h"
#include "common/text/charset.h"
#include "services/imap_gateway/flags.h"
#include "services/imap_gateway/message_set.h"

namespace mailmesh::imap_gateway {
namespace {

using imap::SearchKey;
using Kind = SearchKey::Kind;
using StoreKey = mailbox::v1::SearchKey;
using mailbox::v1::DateTest;

// Whether the view can test it.
bool IsLocal(const SearchKey& key) {
  switch (key.kind) {
    case Kind::kAll:
    case Kind::kFlag:
    case Kind::kKeyword:
    case Kind::kSequence:
    case Kind::kUid:
    case Kind::kModSeq:
      return true;
    case Kind::kAnd:
    case Kind::kOr:
    case Kind::kNot:
      return std::all_of(key.children.begin(), key.children.end(), IsLocal);
    case Kind::kLarger:
    case Kind::kSmaller:
    case Kind::kOlder:
    case Kind::kYounger:
    case Kind::kBefore:
    case Kind::kOn:
    case Kind::kSince:
    case Kind::kSentBefore:
    case Kind::kSentOn:
    case Kind::kSentSince:
    case Kind::kBcc:
    case Kind::kCc:
    case Kind::kFrom:
    case Kind::kSubject:
    case Kind::kTo:
    case Kind::kBody:
    case Kind::kText:
    case Kind::kHeader:
      return false;
  }
  return false;
}

// Sequence numbers become UIDs, keywords bits, texts UTF-8: afterwards nothing depends on the client's ways.
absl::Status Prepare(SearchKey& key, const std::string& charset, const Version& known, bool* modseq) {
  for (SearchKey& child : key.children) RETURN_IF_ERROR(Prepare(child, charset, known, modseq));
  if (key.kind == Kind::kModSeq) *modseq = true;
  if (key.kind == Kind::kSequence || key.kind == Kind::kUid) {
    const std::optional<imap::SequenceSet> sequences = ResolveSet(key.set, key.kind == Kind::kUid, known);
    if (!sequences.has_value()) return absl::InvalidArgumentError("message set");
    key.set = ToUids(*sequences, known);
    key.kind = Kind::kUid;
  }
  if (!key.text.empty() && key.kind != Kind::kKeyword) {
    std::optional<std::string> utf8 = text::DecodeCharset(charset.empty() ? "UTF-8" : charset, key.text);
    if (!utf8.has_value()) {
      return rpc::MakeError(absl::StatusCode::kInvalidArgument, type::v1::ERROR_REASON_BAD_CHARSET, "charset");
    }
    key.text = std::move(*utf8);
  }
  return absl::OkStatus();
}

struct Tested {
  uint32_t sequence;
  Message message;
  bool recent;
  const std::vector<std::string>& keywords;
};

bool Matches(const SearchKey& key, const Tested& tested) {
  switch (key.kind) {
    case Kind::kAnd:
      return std::all_of(key.children.begin(), key.children.end(),
                         [&](const SearchKey& child) { return Matches(child, tested); });
    case Kind::kOr:
      return std::any_of(key.children.begin(), key.children.end(),
                         [&](const SearchKey& child) { return Matches(child, tested); });
    case Kind::kNot:
      return !Matches(key.children.front(), tested);
    case Kind::kFlag:
      return key.flag == imap::kRecent ? tested.recent : (tested.message.flags & ToStoreFlags(key.flag)) != 0;
    case Kind::kKeyword:
      return (tested.message.flags & KeywordBit(tested.keywords, key.text).value_or(0)) != 0;
    case Kind::kUid:
      return key.set.Contains(tested.message.uid);
    case Kind::kModSeq:
      return tested.message.modseq >= key.number;
    default:
      return true;  // kAll; nothing else is local
  }
}

void SetHeader(StoreKey& out, const char* field, const std::string& text) {
  out.mutable_header()->set_field(field);
  out.mutable_header()->set_text(text);
}

void SetDate(StoreKey& out, DateTest::Field field, DateTest::Relation relation, const imap::Date& date) {
  out.mutable_date()->set_field(field);
  out.mutable_date()->set_relation(relation);
  out.mutable_date()->set_day(static_cast<int32_t>(date.DaysSinceEpoch()));
}

void SetSize(StoreKey& out, bool larger, uint64_t size) {
  out.mutable_size()->set_larger(larger);
  out.mutable_size()->set_size_bytes(size);
}

void SetUids(StoreKey& out, const imap::SequenceSet& uids) {
  mailbox::v1::SearchUids* set = out.mutable_uids();
  for (const imap::SequenceSet::Range& range : uids.ranges()) {
    set->add_first(range.first);
    set->add_last(range.last);
  }
}

// RFC 3501, 2.3.2: \Recent is this session's; to the store it is a set of UIDs.
imap::SequenceSet RecentUids(const ClientView& client) {
  imap::SequenceSet uids;
  const Version& known = client.known();
  if (known.size() == 0) return uids;
  known.ForEach(1, known.size(), [&](uint32_t, const Message& message) {
    if (client.IsRecent(message.uid)) uids.Add(message.uid);
    return true;
  });
  return uids;
}

StoreKey ToStore(const SearchKey& key, const ClientView& client) {
  StoreKey out;
  switch (key.kind) {
    case Kind::kAll:
      out.mutable_all_of();
      break;
    case Kind::kAnd:
      out.mutable_all_of();
      for (const SearchKey& child : key.children) *out.mutable_all_of()->add_keys() = ToStore(child, client);
      break;
    case Kind::kOr:
      out.mutable_any_of();
      for (const SearchKey& child : key.children) *out.mutable_any_of()->add_keys() = ToStore(child, client);
      break;
    case Kind::kNot:
      *out.mutable_negated() = ToStore(key.children.front(), client);
      break;
    case Kind::kFlag:
      if (key.flag == imap::kRecent) {
        SetUids(out, RecentUids(client));
      } else {
        out.mutable_flag()->set_system_flag(static_cast<uint32_t>(ToStoreFlags(key.flag)));
      }
      break;
    case Kind::kKeyword:
      out.mutable_flag()->set_keyword(key.text);
      break;
    case Kind::kSequence:
    case Kind::kUid:
      SetUids(out, key.set);
      break;
    case Kind::kLarger:
      SetSize(out, true, key.number);
      break;
    case Kind::kSmaller:
      SetSize(out, false, key.number);
      break;
    case Kind::kModSeq:
      out.set_modseq_at_least(key.number);
      break;
    case Kind::kOlder:
      out.set_older_seconds(static_cast<uint32_t>(std::min<uint64_t>(key.number, UINT32_MAX)));
      break;
    case Kind::kYounger:
      out.set_younger_seconds(static_cast<uint32_t>(std::min<uint64_t>(key.number, UINT32_MAX)));
      break;
    case Kind::kBefore:
      SetDate(out, DateTest::FIELD_INTERNAL, DateTest::RELATION_BEFORE, key.date);
      break;
    case Kind::kOn:
      SetDate(out, DateTest::FIELD_INTERNAL, DateTest::RELATION_ON, key.date);
      break;
    case Kind::kSince:
      SetDate(out, DateTest::FIELD_INTERNAL, DateTest::RELATION_SINCE, key.date);
      break;
    case Kind::kSentBefore:
      SetDate(out, DateTest::FIELD_SENT, DateTest::RELATION_BEFORE, key.date);
      break;
    case Kind::kSentOn:
      SetDate(out, DateTest::FIELD_SENT, DateTest::RELATION_ON, key.date);
      break;
    case Kind::kSentSince:
      SetDate(out, DateTest::FIELD_SENT, DateTest::RELATION_SINCE, key.date);
      break;
    case Kind::kBcc:
      SetHeader(out, "Bcc", key.text);
      break;
    case Kind::kCc:
      SetHeader(out, "Cc", key.text);
      break;
    case Kind::kFrom:
      SetHeader(out, "From", key.text);
      break;
    case Kind::kSubject:
      SetHeader(out, "Subject", key.text);
      break;
    case Kind::kTo:
      SetHeader(out, "To", key.text);
      break;
    case Kind::kBody:
      out.set_body(key.text);
      break;
    case Kind::kText:
      out.set_text(key.text);
      break;
    case Kind::kHeader:
      SetHeader(out, key.field.c_str(), key.text);
      break;
  }
  return out;
}

SearchKey All() { return SearchKey(); }

SearchKey Join(std::vector<SearchKey> keys) {
  if (keys.empty()) return All();
  if (keys.size() == 1) return std::move(keys.front());
  SearchKey all;
  all.kind = Kind::kAnd;
  all.children = std::move(keys);
  return all;
}

}  // namespace

absl::StatusOr<SearchProgram> SearchProgram::Make(imap::SearchKey key, const std::string& charset,
                                                  const ClientView& client) {
  if (!charset.empty() && !text::IsKnownCharset(charset)) {
    return rpc::MakeError(absl::StatusCode::kInvalidArgument, type::v1::ERROR_REASON_BAD_CHARSET, "charset");
  }
  SearchProgram program;
  RETURN_IF_ERROR(Prepare(key, charset, client.known(), &program.uses_modseq_));
  std::vector<SearchKey> local;
  std::vector<SearchKey> remote;
  std::vector<SearchKey> all;
  if (key.kind == Kind::kAnd) {
    all = std::move(key.children);
  } else {
    all.push_back(std::move(key));
  }
  for (SearchKey& one : all) (IsLocal(one) ? local : remote).push_back(std::move(one));
  program.local_ = Join(std::move(local));
  if (!remote.empty()) program.for_store_ = ToStore(Join(std::move(remote)), client);
  return program;
}

mailbox::v1::SearchKey SearchProgram::WholeForStore(const ClientView& client) const {
  StoreKey whole;
  *whole.mutable_all_of()->add_keys() = ToStore(local_, client);
  if (for_store_.has_value()) *whole.mutable_all_of()->add_keys() = *for_store_;
  return whole;
}

imap::SequenceSet SearchProgram::MatchView(const ClientView& client) const {
  const Version& known = client.known();
  imap::SequenceSet found;
  if (known.size() == 0) return found;
  if (local_.kind == Kind::kAll) return imap::SequenceSet(1, known.size());
  if (local_.kind == Kind::kUid) return ToSequences(local_.set, known);
  known.ForEach(1, known.size(), [&](uint32_t sequence, const Message& message) {
    const Tested tested{sequence, message, client.IsRecent(message.uid), known.keywords()};
    if (Matches(local_, tested)) found.Add(sequence);
    return true;
  });
  return found;
}

}  // namespace mailmesh::imap_gateway
