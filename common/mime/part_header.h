// What the header of one part says: fills the header's half of a Part. For the inside of this library.
//
// RFC 2045, 5 to 8; RFC 2183; RFC 3282 (Content-Language); RFC 2557 (Content-Location); RFC 1864 (Content-MD5).
#ifndef MAILMESH_COMMON_MIME_PART_HEADER_H_
#define MAILMESH_COMMON_MIME_PART_HEADER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "common/mime/structure.h"

namespace mailmesh::mime {

struct PartHeaderOptions {
  bool is_message = false;       // the envelope is wanted
  bool in_digest = false;        // RFC 2046, 5.1.5: the default type is message/rfc822
  size_t budget = 0;             // octets that may be kept; 0: only what parsing needs
  EnvelopeLimits envelope;
};

struct PartHeaderResult {
  std::string boundary;  // of a multipart; empty: none
  size_t kept = 0;       // octets of memory that the part now holds, roughly
};

// Sets kind, encoding, type ... envelope of the part.
PartHeaderResult ParsePartHeader(std::string_view header, const PartHeaderOptions& options, Part* part);

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_PART_HEADER_H_
