#include "services/imap_gateway/flags.h"

#include <array>

#include "services/imap_gateway/view/version.h"

namespace mailmesh::imap_gateway {
namespace {

struct Pair {
  imap::SystemFlags imap;
  uint64_t store;
};
constexpr std::array<Pair, 5> kPairs = {{{imap::kSeen, kFlagSeen},
                                         {imap::kAnswered, kFlagAnswered},
                                         {imap::kFlagged, kFlagFlagged},
                                         {imap::kDeleted, kFlagDeleted},
                                         {imap::kDraft, kFlagDraft}}};

}  // namespace

imap::SystemFlags ToImapFlags(uint64_t store_flags) {
  imap::SystemFlags flags = 0;
  for (const Pair& pair : kPairs) {
    if ((store_flags & pair.store) != 0) flags |= pair.imap;
  }
  return flags;
}

uint64_t ToStoreFlags(imap::SystemFlags flags) {
  uint64_t store_flags = 0;
  for (const Pair& pair : kPairs) {
    if ((flags & pair.imap) != 0) store_flags |= pair.store;
  }
  return store_flags;
}

mailbox::v1::FlagList ToFlagList(const imap::FlagList& flags) {
  mailbox::v1::FlagList list;
  list.set_system_flags(static_cast<uint32_t>(ToStoreFlags(flags.system)));
  for (const std::string& keyword : flags.keywords) list.add_keywords(keyword);
  return list;
}

std::optional<uint64_t> KeywordBit(const std::vector<std::string>& keywords, std::string_view keyword) {
  for (size_t i = 0; i < keywords.size() && i < kMaxKeywords; ++i) {
    if (imap::KeywordsEqual(keywords[i], keyword)) return uint64_t{1} << (kFirstKeywordBit + i);
  }
  return std::nullopt;
}

uint64_t FlagBits(const std::vector<std::string>& keywords, const imap::FlagList& flags) {
  uint64_t bits = ToStoreFlags(flags.system);
  for (const std::string& keyword : flags.keywords) bits |= KeywordBit(keywords, keyword).value_or(0);
  return bits;
}

std::vector<std::string_view> Views(const std::vector<std::string>& texts) {
  return std::vector<std::string_view>(texts.begin(), texts.end());
}

void FlagNames::Set(uint64_t store_flags, bool recent) {
  if (!any_ || store_flags != store_flags_) {
    any_ = true;
    store_flags_ = store_flags;
    names_.clear();
    for (size_t i = 0; i < keywords_.size() && i < kMaxKeywords; ++i) {
      if ((store_flags >> (kFirstKeywordBit + i) & 1) != 0) names_.push_back(keywords_[i]);
    }
  }
  system_ = ToImapFlags(store_flags);
  if (recent) system_ |= imap::kRecent;
}

}  // namespace mailmesh::imap_gateway
