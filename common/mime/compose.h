// Writing header fields, and the ids that new messages need.
//
// No value can break out of its field: line ends in it become spaces (header injection).
// Thread-safe.
// RFC 5322, 2.1.1 (78 and 998), 2.2.3 (folding), 3.6.4 (Message-ID); RFC 2046, 5.1.1 (boundary).
#ifndef MAILMESH_COMMON_MIME_COMPOSE_H_
#define MAILMESH_COMMON_MIME_COMPOSE_H_

#include <string>
#include <string_view>

#include "common/base/clock.h"

namespace mailmesh::mime {

// Appends "name: value" CRLF, folded at white space so that lines have at most 78 characters where the words allow it, and
// 998 in any case (a longer word is broken by a space). The value is written as it is: encode it first if need be.
void AppendField(std::string* out, std::string_view name, std::string_view value);
// AppendField of EncodeHeaderText.
void AppendTextField(std::string* out, std::string_view name, std::string_view utf8);

// `Name <local@domain>`, the name quoted or encoded as it needs; without a name the address alone, in no brackets.
std::string FormatMailbox(std::string_view name_utf8, std::string_view addr_spec);

// "<unique@domain>", unguessable and in the order of time.
std::string NewMessageId(std::string_view domain, const base::Clock& clock = base::Clock::Real());
// 36 characters, needs quotes as a parameter. "=_" cannot stand in quoted-printable or base64 text.
std::string NewBoundary();

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_COMPOSE_H_
