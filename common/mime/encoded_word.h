// Text in header fields that is not ASCII: encoded words, encoded parameters, and plain UTF-8.
//
// Decoding gives well-formed UTF-8 whatever comes; what is no encoded word, or in a charset that nobody knows, stays.
// Thread-safe. Linear; output is bounded by `max_output` and a small factor of the input.
// RFC 2047; RFC 2231, 4 and 5 (language in encoded words); RFC 6532.
#ifndef MAILMESH_COMMON_MIME_ENCODED_WORD_H_
#define MAILMESH_COMMON_MIME_ENCODED_WORD_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "common/mime/parameter.h"

namespace mailmesh::mime {

inline constexpr size_t kMaxDecodedHeader = 1024 * 1024;

// A field's value, folded or not, as text. RFC 2047, 6.2: white space between encoded words is not there. Words of one
// charset that follow each other are decoded together, for writers that cut characters.
std::string DecodeHeaderText(std::string_view value, size_t max_output = kMaxDecodedHeader);

// RFC 2231: name without '*', value as text. Encoded words in a value, which RFC 2047, 5 forbids and many write, are decoded.
Parameter DecodeParameter(const Parameter& parameter);
// The parameter called `name` in any of its forms, as text; empty when it is not there.
std::string DecodedParameter(const std::vector<Parameter>& parameters, std::string_view name);

// A value for an unstructured field or a phrase: ASCII as it is, else encoded words of at most 75 characters (RFC 2047, 2)
// with spaces between them, whole characters in each. Line ends become spaces.
std::string EncodeHeaderText(std::string_view utf8);

// name=token, name="text", or name*=utf-8''... where that is needed.
std::string EncodeParameter(std::string_view name, std::string_view utf8);

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_ENCODED_WORD_H_
