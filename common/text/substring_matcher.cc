#include "common/text/substring_matcher.h"

#include <algorithm>
#include <cstring>

#include "common/text/casefold.h"

namespace mailmesh::text {

SubstringMatcher::SubstringMatcher(std::string_view needle_utf8)
    : needle_(FoldCase(needle_utf8)), next_(needle_.size()), found_(needle_.empty()) {
  uint32_t matched = 0;
  for (size_t i = 1; i < needle_.size(); ++i) {
    while (matched > 0 && needle_[i] != needle_[matched]) matched = next_[matched - 1];
    if (needle_[i] == needle_[matched]) ++matched;
    next_[i] = matched;
  }
}

void SubstringMatcher::Feed(std::string_view utf8) {
  constexpr size_t kPiece = 4096;  // folded text stays in the cache
  while (!found_ && !utf8.empty()) {
    size_t size = std::min(utf8.size(), kPiece);
    // A character is folded as a whole: do not cut inside one.
    while (size < utf8.size() && (static_cast<uint8_t>(utf8[size]) & 0xc0) == 0x80) ++size;
    folded_.clear();
    AppendFolded(utf8.substr(0, size), &folded_);
    FeedFolded(folded_);
    utf8.remove_prefix(size);
  }
}

void SubstringMatcher::FeedFolded(std::string_view folded) {
  size_t i = 0;
  while (i < folded.size()) {
    if (state_ == 0) {
      const void* hit = std::memchr(folded.data() + i, needle_[0], folded.size() - i);
      if (hit == nullptr) return;
      i = static_cast<size_t>(static_cast<const char*>(hit) - folded.data());
    }
    while (state_ > 0 && folded[i] != needle_[state_]) state_ = next_[state_ - 1];
    if (folded[i] == needle_[state_]) ++state_;
    ++i;
    if (state_ == needle_.size()) {
      found_ = true;
      return;
    }
  }
}

bool ContainsIgnoreCase(std::string_view text_utf8, std::string_view needle_utf8) {
  SubstringMatcher matcher(needle_utf8);
  matcher.Feed(text_utf8);
  return matcher.found();
}

}  // namespace mailmesh::text
