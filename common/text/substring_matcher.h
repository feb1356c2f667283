// Finds one substring in a text that comes in pieces, ignoring case.
//
// Linear in the text however the needle looks (Knuth, Morris, Pratt), and nothing of the text is kept: memory is some five
// times the needle. An empty needle is in every text.
// Thread-safety: belongs to one thread.
#ifndef MAILMESH_COMMON_TEXT_SUBSTRING_MATCHER_H_
#define MAILMESH_COMMON_TEXT_SUBSTRING_MATCHER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::text {

class SubstringMatcher {
 public:
  explicit SubstringMatcher(std::string_view needle_utf8);

  // The next piece; it must end between characters. Nothing happens once the needle was found.
  void Feed(std::string_view utf8);
  // What came and what comes are not one text: no match spans this.
  void Break() { state_ = 0; }
  bool found() const { return found_; }
  // Begins a new text.
  void Reset() {
    state_ = 0;
    found_ = needle_.empty();
  }

 private:
  void FeedFolded(std::string_view folded);

  std::string needle_;          // folded
  std::vector<uint32_t> next_;  // after a mismatch at i, go on at next_[i]
  std::string folded_;          // scratch
  uint32_t state_ = 0;          // octets of the needle matched so far
  bool found_ = false;
};

// The whole text at once.
bool ContainsIgnoreCase(std::string_view text_utf8, std::string_view needle_utf8);

}  // namespace mailmesh::text

#endif  // MAILMESH_COMMON_TEXT_SUBSTRING_MATCHER_H_
