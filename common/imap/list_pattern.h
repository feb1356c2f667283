// LIST patterns: "*" matches anything, "%" anything but the hierarchy separator.
//
// Thread-safety: a const ListPattern may be used from many threads.
// Limits: matching takes at most pattern length x name length / 64 steps and no recursion, whatever the wildcards.
// RFC 3501, 6.3.8; RFC 9051, 6.3.9.
#ifndef MAILMESH_COMMON_IMAP_LIST_PATTERN_H_
#define MAILMESH_COMMON_IMAP_LIST_PATTERN_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::imap {

class ListPattern {
 public:
  enum class Match : uint8_t {
    kNo,
    kParent,  // not the name itself, but a child of it could match: "INBOX" with "INBOX/%"
    kYes,
  };

  // `reference` + `pattern`, both as UTF-8 names. INBOX in any case is taken for INBOX where a wildcard does not decide.
  ListPattern(std::string_view reference, std::string_view pattern);

  // The name must be canonical (mailbox_name.h).
  Match Test(std::string_view name) const;
  bool Matches(std::string_view name) const { return Test(name) == Match::kYes; }

  // What every match begins with: the range of names to look at. Up to the first wildcard.
  std::string_view FixedPrefix() const { return std::string_view(pattern_).substr(0, prefix_); }
  const std::string& pattern() const { return pattern_; }

 private:
  std::string pattern_;  // runs of wildcards are one wildcard
  size_t prefix_ = 0;
};

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_LIST_PATTERN_H_
