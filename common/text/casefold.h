// Simple case folding of Unicode (one character to one), which makes search ignore case in every script.
//
// Thread-safe. `utf8` must be well-formed (what is not passes unchanged); output is at most 1.5 times the input.
// RFC 5051 asks for more (titlecase, decomposition); RFC 3501, 6.4.4 leaves the matching to the server.
#ifndef MAILMESH_COMMON_TEXT_CASEFOLD_H_
#define MAILMESH_COMMON_TEXT_CASEFOLD_H_

#include <string>
#include <string_view>

namespace mailmesh::text {

void AppendFolded(std::string_view utf8, std::string* out);
std::string FoldCase(std::string_view utf8);

}  // namespace mailmesh::text

#endif  // MAILMESH_COMMON_TEXT_CASEFOLD_H_
