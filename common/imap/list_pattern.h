// LIST patterns: "*" matches anything, "%" anything but the hierarchy separator.
//
// Thread-safety: a const ListPattern may be used from many threads.
// Limits: a match takes (pattern length / 64) steps for each octet of the name, whatever the wildcards; a pattern with more
// plain octets than a name can have (kMaxMailboxNameLength) matches nothing.
// RFC 3501, 6.3.8; RFC 9051, 6.3.9.
#ifndef MAILMESH_COMMON_IMAP_LIST_PATTERN_H_
#define MAILMESH_COMMON_IMAP_LIST_PATTERN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::imap {

class ListPattern {
 public:
  enum class Match : uint8_t {
    kNo,
    kParent,  // not the name itself, but a name below it could match: "INBOX" with "INBOX/%"
    kYes,
  };

  // `reference` + `pattern`, both as UTF-8 names. INBOX is matched in any case.
  ListPattern(std::string_view reference, std::string_view pattern);

  // The name must be canonical (mailbox_name.h).
  Match Test(std::string_view name) const;
  bool Matches(std::string_view name) const { return Test(name) == Match::kYes; }

  // What every match begins with: the range of names to look at.
  std::string_view FixedPrefix() const { return std::string_view(pattern_).substr(0, prefix_); }
  // Reference and pattern together, runs of wildcards made one.
  const std::string& pattern() const { return pattern_; }

 private:
  // An automaton whose state i is "the first i octets of the pattern are matched", as a set of bits.
  using Bits = std::vector<uint64_t>;
  void Build();
  void Step(Bits& states, char c, bool any_case) const;
  void SkipWildcards(Bits& states) const;
  const uint64_t* Mask(char c) const { return masks_.data() + slots_[static_cast<uint8_t>(c)] * words_; }

  std::string pattern_;
  size_t prefix_ = 0;
  bool impossible_ = false;
  size_t words_ = 1;
  std::array<uint8_t, 256> slots_{};  // octet -> its mask; 0: does not occur
  Bits masks_;                        // where in the pattern the octet stands
  Bits stars_;
  Bits percents_;
};

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_LIST_PATTERN_H_
