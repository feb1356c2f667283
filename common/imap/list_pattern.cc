#include "common/imap/list_pattern.h"

#include <algorithm>

#include "common/imap/chars.h"
#include "common/imap/mailbox_name.h"

namespace mailmesh::imap {
namespace {

bool IsWildcard(char c) { return c == '*' || c == '%'; }

// "%%" is "%", and anything beside a "*" is "*".
void AppendCollapsed(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (!IsWildcard(c) || out.empty() || !IsWildcard(out.back())) {
      out.push_back(c);
    } else if (c == '*') {
      out.back() = '*';
    }
  }
}

void SetBit(std::vector<uint64_t>& bits, size_t base, size_t i) { bits[base + i / 64] |= uint64_t{1} << (i % 64); }

bool IsInInbox(std::string_view name) {
  return name.substr(0, kInbox.size()) == kInbox &&
         (name.size() == kInbox.size() || name[kInbox.size()] == kHierarchySeparator);
}

}  // namespace

ListPattern::ListPattern(std::string_view reference, std::string_view pattern) {
  AppendCollapsed(pattern_, reference);
  AppendCollapsed(pattern_, pattern);
  pattern_ = CanonicalMailboxName(pattern_);
  const auto wildcards = static_cast<size_t>(std::count_if(pattern_.begin(), pattern_.end(), IsWildcard));
  impossible_ = pattern_.size() - wildcards > kMaxMailboxNameLength;
  if (impossible_) {
    pattern_.resize(kMaxMailboxNameLength);
    return;
  }
  prefix_ = std::min(pattern_.find_first_of("*%"), pattern_.size());
  // "inb*" matches INBOX, which does not begin so.
  const std::string_view start = FixedPrefix().substr(0, kInbox.size());
  if (start != kInbox.substr(0, start.size()) && internal::EqualsUpper(start, kInbox.substr(0, start.size()))) prefix_ = 0;
  Build();
}

void ListPattern::Build() {
  words_ = pattern_.size() / 64 + 1;
  uint8_t used = 0;
  std::array<bool, 256> seen{};
  for (const char c : pattern_) seen[static_cast<uint8_t>(c)] = !IsWildcard(c);
  for (size_t c = 0; c < seen.size(); ++c) {
    if (seen[c]) slots_[c] = ++used;  // at most 254: neither wildcard is among them
  }
  masks_.assign((size_t{used} + 1) * words_, 0);
  stars_.assign(words_, 0);
  percents_.assign(words_, 0);
  for (size_t i = 0; i < pattern_.size(); ++i) {
    const char c = pattern_[i];
    if (c == '*') {
      SetBit(stars_, 0, i);
    } else if (c == '%') {
      SetBit(percents_, 0, i);
    } else {
      SetBit(masks_, slots_[static_cast<uint8_t>(c)] * words_, i);
    }
  }
}

// A wildcard may match nothing. Two never stand side by side, so one step is enough.
void ListPattern::SkipWildcards(Bits& states) const {
  uint64_t carry = 0;
  for (size_t i = 0; i < words_; ++i) {
    const uint64_t wild = states[i] & (stars_[i] | percents_[i]);
    states[i] |= wild << 1 | carry;
    carry = wild >> 63;
  }
}

void ListPattern::Step(Bits& states, char c, bool any_case) const {
  const uint64_t* const mask = Mask(c);
  const uint64_t* const lower = any_case && c >= 'A' && c <= 'Z' ? Mask(static_cast<char>(c + 32)) : mask;
  uint64_t carry = 0;
  for (size_t i = 0; i < words_; ++i) {
    const uint64_t moved = states[i] & (mask[i] | lower[i]);
    const uint64_t stay = states[i] & (stars_[i] | (c == kHierarchySeparator ? 0 : percents_[i]));
    states[i] = moved << 1 | carry | stay;
    carry = moved >> 63;
  }
  SkipWildcards(states);
}

ListPattern::Match ListPattern::Test(std::string_view name) const {
  if (impossible_) return Match::kNo;
  Bits states(words_, 0);
  states[0] = 1;
  SkipWildcards(states);
  const size_t any_case = IsInInbox(name) ? kInbox.size() : 0;
  for (size_t i = 0; i < name.size(); ++i) Step(states, name[i], i < any_case);
  const size_t last = pattern_.size();
  const uint64_t last_bit = uint64_t{1} << (last % 64);
  if ((states[last / 64] & last_bit) != 0) return Match::kYes;
  Step(states, kHierarchySeparator, false);
  // The end alone would be a child without a name.
  states[last / 64] &= ~last_bit;
  const bool open = std::any_of(states.begin(), states.end(), [](uint64_t word) { return word != 0; });
  return open ? Match::kParent : Match::kNo;
}

}  // namespace mailmesh::imap
