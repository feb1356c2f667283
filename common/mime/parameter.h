// Parameters of Content-Type and Content-Disposition.
//
// Thread-safe. Linear but for a sort of at most kMaxParameters entries; never throws on input.
// RFC 2045, 5.1; RFC 2183, 2; RFC 2231, 3 and 4. Continuations are joined as Dovecot does for BODYSTRUCTURE.
#ifndef MAILMESH_COMMON_MIME_PARAMETER_H_
#define MAILMESH_COMMON_MIME_PARAMETER_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/lexer.h"

namespace mailmesh::mime {

// Of one field; the rest is ignored.
inline constexpr size_t kMaxParameters = 256;

// A parameter in the order of the header. Continuations (RFC 2231, 3) are joined; a value that is encoded in RFC 2231's
// way stays so ("utf-8''%e2%82%ac") and its name ends in '*'. Names keep their case. DecodeParameter() gives UTF-8.
struct Parameter {
  std::string name;
  std::string value;
  bool operator==(const Parameter&) const = default;
};

// The value of that name (any case) as it stands, or nullptr.
const std::string* FindParameter(const std::vector<Parameter>& parameters, std::string_view name);

// *(";" name "=" value) from where the lexer stands. Damage costs the parameter it stands in. Plain parameters come first,
// joined ones after them.
std::vector<Parameter> ParseParameters(Lexer* lexer);

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_PARAMETER_H_
