// Escapes content whose end is a line with a single dot: a line that starts with a dot gets one more.
//
// Nothing else is changed: octets pass as they are. Content that does not end with CRLF gets one for the transmission.
// A dot behind a bare LF is not doubled, since only CRLF ends a line; who sends to peers that may think otherwise first
// removes bare LFs (smtp::DataWriter does).
//
// Flow: Write()* Finish(). Thread-safety: none. Holds no content. RFC 5321, 4.5.2; RFC 1939, 3.
#ifndef MAILMESH_COMMON_BASE_DOT_STUFFER_H_
#define MAILMESH_COMMON_BASE_DOT_STUFFER_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace mailmesh::base {

class DotStuffer {
 public:
  // Appends the escaped form of the next chunk.
  void Write(std::string_view chunk, std::string& out);
  // Appends the end, `.CRLF`, after a CRLF where the content lacks its last one, and starts anew.
  void Finish(std::string& out);

 private:
  enum class At : uint8_t { kLineStart, kInside, kAfterCr };
  At at_ = At::kLineStart;
};

}  // namespace mailmesh::base

#endif  // MAILMESH_COMMON_BASE_DOT_STUFFER_H_
