// The subject without "Re:", "[list]", "(fwd)" and their like: what SORT and THREAD compare.
//
// Thread-safe. Linear; never throws on input. RFC 5256, 2.1 and 5 (the subj- rules).
#ifndef MAILMESH_COMMON_MIME_BASE_SUBJECT_H_
#define MAILMESH_COMMON_MIME_BASE_SUBJECT_H_

#include <string>
#include <string_view>

namespace mailmesh::mime {

struct BaseSubject {
  // White space is one space; case is as it was.
  std::string text;
  // RFC 5256, 3 (REFERENCES): "Re:", "Fwd:", "(fwd)" or "[Fwd: ]" was removed.
  bool is_reply = false;
};

// `subject`: the field's text, unfolded and with its encoded words decoded.
BaseSubject ExtractBaseSubject(std::string_view subject);

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_BASE_SUBJECT_H_
