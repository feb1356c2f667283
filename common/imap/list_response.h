// LIST, LSUB and STATUS responses.
//
// Thread-safety: free functions. Names are UTF-8 and encoded here.
// RFC 3501, 7.2.2-7.2.4; RFC 5258 (attributes, CHILDINFO); RFC 6154; RFC 5819; RFC 9051, 6.3.9.7 (OLDNAME).
#ifndef MAILMESH_COMMON_IMAP_LIST_RESPONSE_H_
#define MAILMESH_COMMON_IMAP_LIST_RESPONSE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/imap/command.h"

namespace mailmesh::imap {

// As bits; written in the order of the bits.
using ListAttributes = uint32_t;
inline constexpr ListAttributes kNoInferiors = 1;
inline constexpr ListAttributes kNoSelect = 2;
inline constexpr ListAttributes kMarked = 4;
inline constexpr ListAttributes kUnmarked = 8;
inline constexpr ListAttributes kNonExistentMailbox = 16;
inline constexpr ListAttributes kHasChildren = 32;
inline constexpr ListAttributes kHasNoChildren = 64;
inline constexpr ListAttributes kSubscribed = 128;
inline constexpr ListAttributes kRemote = 256;
// RFC 6154, 2: special uses.
inline constexpr ListAttributes kUseAll = 1 << 9;
inline constexpr ListAttributes kUseArchive = 1 << 10;
inline constexpr ListAttributes kUseDrafts = 1 << 11;
inline constexpr ListAttributes kUseFlagged = 1 << 12;
inline constexpr ListAttributes kUseJunk = 1 << 13;
inline constexpr ListAttributes kUseSent = 1 << 14;
inline constexpr ListAttributes kUseTrash = 1 << 15;
inline constexpr ListAttributes kUseImportant = 1 << 16;  // RFC 8457
inline constexpr ListAttributes kSpecialUses =
    kUseAll | kUseArchive | kUseDrafts | kUseFlagged | kUseJunk | kUseSent | kUseTrash | kUseImportant;

// "\Sent" (any case) -> kUseSent; nothing for others.
std::optional<ListAttributes> SpecialUseByName(std::string_view name);

struct ListEntry {
  std::string_view name;
  ListAttributes attributes = 0;
  char delimiter = '/';         // 0: NIL
  bool child_subscribed = false;  // RFC 5258, 3.5: ("CHILDINFO" ("SUBSCRIBED"))
  std::string_view old_name;    // RFC 9051, 6.3.9.7; empty: none
};
void AppendList(std::string& out, const ListEntry& entry, bool utf8_accept);
void AppendLsub(std::string& out, const ListEntry& entry, bool utf8_accept);

// Only what `items` names is written, in the order of the bits; at least the parentheses.
struct StatusValues {
  StatusItems items = 0;
  uint32_t messages = 0;
  uint32_t recent = 0;
  uint32_t uid_next = 0;
  uint32_t uid_validity = 0;
  uint32_t unseen = 0;
  uint64_t highest_modseq = 0;
  uint64_t size = 0;
  uint32_t deleted = 0;
  uint64_t deleted_storage = 0;
  std::optional<uint64_t> append_limit;  // absent: NIL (RFC 7889, 4)
};
void AppendStatusResponse(std::string& out, std::string_view mailbox, const StatusValues& values, bool utf8_accept);

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_LIST_RESPONSE_H_
