// Message flags: the system flags as bits, the keywords as names.
//
// Thread-safety: values and free functions. Limits: kMaxFlagsInCommand, kMaxKeywordLength.
// RFC 3501, 2.3.2 and 9 (flag, flag-fetch, flag-perm).
#ifndef MAILMESH_COMMON_IMAP_FLAGS_H_
#define MAILMESH_COMMON_IMAP_FLAGS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::imap {

using SystemFlags = uint8_t;
inline constexpr SystemFlags kAnswered = 1;
inline constexpr SystemFlags kFlagged = 2;
inline constexpr SystemFlags kDeleted = 4;
inline constexpr SystemFlags kSeen = 8;
inline constexpr SystemFlags kDraft = 16;
// RFC 3501, 2.3.2: told by the server, never set by a client.
inline constexpr SystemFlags kRecent = 32;
// What a client may store.
inline constexpr SystemFlags kSettableFlags = kAnswered | kFlagged | kDeleted | kSeen | kDraft;

inline constexpr size_t kMaxFlagsInCommand = 512;
inline constexpr size_t kMaxKeywordLength = 255;

struct FlagList {
  SystemFlags system = 0;
  std::vector<std::string> keywords;  // as written, without doubles (case ignored)

  bool empty() const { return system == 0 && keywords.empty(); }
  // Adds a keyword unless it is there in any case.
  void AddKeyword(std::string_view keyword);
  bool operator==(const FlagList&) const = default;
};

// "\Seen" (any case) -> kSeen; nothing for a name that is no system flag. Knows \Recent.
std::optional<SystemFlags> SystemFlagByName(std::string_view name);
// An atom of at most kMaxKeywordLength octets without "\" at its start: a name that FETCH and STORE can carry.
bool IsValidKeyword(std::string_view keyword);
// RFC 5788, 3: keywords are compared without regard to ASCII case.
bool KeywordsEqual(std::string_view a, std::string_view b);

// "\Seen \Deleted $Forwarded", without parentheses, in the order of the bits, then the keywords.
void AppendFlags(std::string& out, SystemFlags system, std::span<const std::string_view> keywords = {});
void AppendFlags(std::string& out, const FlagList& flags);

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_FLAGS_H_
