// Keys that sort texts as mail users expect, whatever the case and however accents were typed: i;unicode-casemap.
//
// Each character is put in title case and then decomposed; keys are compared octet by octet, a prefix first. What has been
// case-folded one character to one (casefold.h) gives the key that the original gives.
// Thread-safe. `utf8` should be well-formed; octets that are not pass unchanged. Output is bounded by a small factor.
// RFC 5051, 2; RFC 5256, 6 (SORT).
#ifndef MAILMESH_COMMON_TEXT_COLLATION_H_
#define MAILMESH_COMMON_TEXT_COLLATION_H_

#include <string>
#include <string_view>

namespace mailmesh::text {

void AppendCollationKey(std::string_view utf8, std::string* out);
std::string CollationKey(std::string_view utf8);

}  // namespace mailmesh::text

#endif  // MAILMESH_COMMON_TEXT_COLLATION_H_
