// The one step that walking UTF-8 needs. (What text means is common/text's.)
#ifndef MAILMESH_COMMON_BASE_UTF8_H_
#define MAILMESH_COMMON_BASE_UTF8_H_

#include <cstddef>
#include <string_view>

namespace mailmesh::base {

// RFC 3629, 4: the length (1 to 4) of the well-formed sequence that starts at `pos`, or 0: neither overlong forms nor
// surrogates nor values beyond U+10FFFF are taken. `pos` must be inside `text`.
size_t Utf8SequenceLength(std::string_view text, size_t pos);

}  // namespace mailmesh::base

#endif  // MAILMESH_COMMON_BASE_UTF8_H_
