#include "common/imap/sequence_set.h"

#include <algorithm>
#include <charconv>

#include "absl/status/status.h"
#include "common/imap/chars.h"

namespace mailmesh::imap {
namespace {

// Takes "*" or a number from 1 to 2^32-1.
bool TakeNumber(std::string_view* text, uint32_t* number) {
  if (!text->empty() && text->front() == '*') {
    *number = SequenceSet::kStar;
    text->remove_prefix(1);
    return true;
  }
  const char* const begin = text->data();
  const auto [end, error] = std::from_chars(begin, begin + text->size(), *number);
  // RFC 3501, 9 (nz-number): the first digit is not zero.
  if (error != std::errc() || *begin == '0') return false;
  text->remove_prefix(static_cast<size_t>(end - begin));
  return true;
}

}  // namespace

absl::StatusOr<SequenceSet> SequenceSet::Parse(std::string_view text, size_t max_ranges) {
  if (text == "$") return SavedResult();
  SequenceSet set;
  for (;;) {
    Range range;
    if (!TakeNumber(&text, &range.first)) return absl::InvalidArgumentError("Invalid message set");
    range.last = range.first;
    if (!text.empty() && text.front() == ':') {
      text.remove_prefix(1);
      if (!TakeNumber(&text, &range.last)) return absl::InvalidArgumentError("Invalid message set");
    }
    if (set.ranges_.size() == max_ranges) return absl::InvalidArgumentError("Too many ranges in message set");
    set.ranges_.push_back(range);
    if (text.empty()) return set;
    if (text.front() != ',') return absl::InvalidArgumentError("Invalid message set");
    text.remove_prefix(1);
  }
}

SequenceSet SequenceSet::SavedResult() {
  SequenceSet set;
  set.saved_result_ = true;
  return set;
}

void SequenceSet::AddRange(uint32_t first, uint32_t last) {
  if (first > last) std::swap(first, last);
  if (!ranges_.empty()) {
    Range& back = ranges_.back();
    if (first >= back.first && first <= back.last) {
      back.last = std::max(back.last, last);
      return;
    }
    if (first > back.last && first - back.last == 1) {
      back.last = last;
      return;
    }
  }
  ranges_.push_back({first, last});
}

bool SequenceSet::has_star() const {
  return std::any_of(ranges_.begin(), ranges_.end(), [](const Range& r) { return r.first == kStar || r.last == kStar; });
}

SequenceSet SequenceSet::Resolve(uint32_t largest, bool limit_to_largest) const {
  SequenceSet resolved;
  resolved.ranges_.reserve(ranges_.size());
  for (Range range : ranges_) {
    const bool star = range.first == kStar || range.last == kStar;
    // Nothing is there: "*" is nobody, and so is "5:*", which means the last message and what follows.
    if (star && largest == 0) continue;
    if (range.first == kStar) range.first = largest;
    if (range.last == kStar) range.last = largest;
    if (range.first > range.last) std::swap(range.first, range.last);
    if (limit_to_largest) {
      if (range.first > largest) continue;
      range.last = std::min(range.last, largest);
    }
    resolved.ranges_.push_back(range);
  }
  resolved.Normalise();
  return resolved;
}

void SequenceSet::Normalise() {
  const auto by_first = [](const Range& a, const Range& b) { return a.first < b.first; };
  if (!std::is_sorted(ranges_.begin(), ranges_.end(), by_first)) std::sort(ranges_.begin(), ranges_.end(), by_first);
  size_t kept = 0;
  for (const Range& range : ranges_) {
    // `range.first - 1`: neighbours join, and first is never 0 here.
    if (kept > 0 && range.first - 1 <= ranges_[kept - 1].last) {
      ranges_[kept - 1].last = std::max(ranges_[kept - 1].last, range.last);
    } else {
      ranges_[kept++] = range;
    }
  }
  ranges_.resize(kept);
}

bool SequenceSet::Contains(uint32_t number) const {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), number,
                                      [](uint32_t n, const Range& range) { return n < range.first; });
  return after != ranges_.begin() && number <= std::prev(after)->last;
}

uint64_t SequenceSet::Count() const {
  uint64_t count = 0;
  for (const Range& range : ranges_) count += uint64_t{range.last} - range.first + 1;
  return count;
}

void SequenceSet::AppendTo(std::string& out) const {
  if (saved_result_) out.push_back('$');
  const auto number = [&out](uint32_t n) {
    if (n == kStar) {
      out.push_back('*');
    } else {
      internal::AppendNumber(out, n);
    }
  };
  bool first = true;
  for (const Range& range : ranges_) {
    if (!first) out.push_back(',');
    first = false;
    number(range.first);
    if (range.last == range.first) continue;
    out.push_back(':');
    number(range.last);
  }
}

std::string SequenceSet::ToString() const {
  std::string text;
  AppendTo(text);
  return text;
}

}  // namespace mailmesh::imap
