// Reading UTF-8 strictly, one character at a time. Internal to common/imap. RFC 3629.
#ifndef MAILMESH_COMMON_IMAP_UTF8_H_
#define MAILMESH_COMMON_IMAP_UTF8_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace mailmesh::imap::internal {

inline constexpr uint32_t kBadCharacter = 0xffffffff;

// Takes one character from the front of `text`, which must not be empty. kBadCharacter, and one octet taken, where it is
// not well-formed (overlong forms, surrogates and what is beyond U+10FFFF included).
uint32_t TakeUtf8(std::string_view* text);
void AppendUtf8(std::string& out, uint32_t character);
bool IsUtf8(std::string_view text);

}  // namespace mailmesh::imap::internal

#endif  // MAILMESH_COMMON_IMAP_UTF8_H_
