#include "common/imap/flags.h"

#include <algorithm>
#include <array>

#include "common/imap/chars.h"
#include "common/imap/quote.h"

namespace mailmesh::imap {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft", "\\Recent"};

}  // namespace

void FlagList::AddKeyword(std::string_view keyword) {
  const auto same = [keyword](const std::string& other) { return KeywordsEqual(keyword, other); };
  if (std::none_of(keywords.begin(), keywords.end(), same)) keywords.emplace_back(keyword);
}

std::optional<SystemFlags> SystemFlagByName(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (internal::EqualsIgnoreCase(name, kNames[i])) return static_cast<SystemFlags>(1u << i);
  }
  return std::nullopt;
}

bool IsValidKeyword(std::string_view keyword) { return keyword.size() <= kMaxKeywordLength && IsAtom(keyword); }

bool KeywordsEqual(std::string_view a, std::string_view b) { return internal::EqualsIgnoreCase(a, b); }

void AppendFlags(std::string& out, SystemFlags system, std::span<const std::string_view> keywords) {
  bool first = true;
  const auto add = [&out, &first](std::string_view name) {
    if (!first) out.push_back(' ');
    first = false;
    out.append(name);
  };
  for (size_t i = 0; i < kNames.size(); ++i) {
    if ((system & (1u << i)) != 0) add(kNames[i]);
  }
  for (std::string_view keyword : keywords) add(keyword);
}

void AppendFlags(std::string& out, const FlagList& flags) {
  const std::vector<std::string_view> keywords(flags.keywords.begin(), flags.keywords.end());
  AppendFlags(out, flags.system, keywords);
}

}  // namespace mailmesh::imap
