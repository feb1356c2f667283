// The wire forms of BODY and BODYSTRUCTURE. Made once, at delivery, and copied on FETCH.
//
// Thread-safety: free functions. Limits: those of mime::Structure; recursion is bounded by its depth (kMaxBodyDepth at most).
// RFC 3501, 7.4.2; where it leaves room, as Dovecot: text parts always show a charset, a multipart without parts shows one
// empty text/plain, languages are always a list.
#ifndef MAILMESH_COMMON_IMAP_BODY_STRUCTURE_H_
#define MAILMESH_COMMON_IMAP_BODY_STRUCTURE_H_

#include <string>

#include "common/mime/structure.h"

namespace mailmesh::imap {

// Deeper than any structure that common/mime makes by its defaults.
inline constexpr int kMaxBodyDepth = 200;

struct BodyStructureOptions {
  bool extensible = true;  // BODYSTRUCTURE; false: BODY
  // RFC 9051 shows the message within message/global as within message/rfc822. RFC 3501 does not, and a rev1 client
  // could not read it.
  bool rev2 = false;
};

void AppendBodyStructure(std::string& out, const mime::Structure& structure, const BodyStructureOptions& options = {});

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_BODY_STRUCTURE_H_
