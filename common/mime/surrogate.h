// The header of an internationalised message for a reader who knows ASCII only: the surrogate of RFC 6855, 7 and RFC 6858.
//
// What is ASCII stays octet for octet. In other fields names and texts become encoded words, parameters RFC 2231's form; a
// mailbox whose address itself is not ASCII becomes an empty group that shows it, for nobody could answer to it (RFC 6858,
// 2.1). Only the message's own header: body parts are 8-bit data, which such readers take.
// Thread-safe. Output is linear in the input. RFC 6858; RFC 6532.
#ifndef MAILMESH_COMMON_MIME_SURROGATE_H_
#define MAILMESH_COMMON_MIME_SURROGATE_H_

#include <string>
#include <string_view>

namespace mailmesh::mime {

// True where the header (with or without its blank line) is UTF-8 beyond ASCII, as RFC 6532 lets it be. Octets that are no
// UTF-8 are old mail's slips, which readers have always had to live with: false.
bool NeedsSurrogate(std::string_view header);

// The header, blank line included if it is there, in ASCII. For one that NeedsSurrogate.
std::string SurrogateHeader(std::string_view header);

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_SURROGATE_H_
