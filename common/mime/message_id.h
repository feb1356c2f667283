// Message ids as they stand in Message-ID, In-Reply-To and References, in the form that can be compared.
//
// Thread-safe. Linear; never throws on input. RFC 5322, 3.6.4 and 4.5.4; RFC 5256, 3 (normalized form).
#ifndef MAILMESH_COMMON_MIME_MESSAGE_ID_H_
#define MAILMESH_COMMON_MIME_MESSAGE_ID_H_

#include <optional>
#include <string>
#include <string_view>

namespace mailmesh::mime {

// Takes the next id off the front of a field's text, with what stands before it; nothing: there is none any more. An id is
// local@domain without angle brackets, quoting, comments and white space; what has no "@" is none. The view is into the text
// or into `scratch`, valid until either changes.
std::optional<std::string_view> TakeMessageId(std::string_view* text, std::string* scratch);

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_MESSAGE_ID_H_
