// A server's multi-line response: dot-stuffed content and the final dot.
//
// Octets pass as they are. A message whose last line lacks its CRLF gets one for the transmission only.
// TopFilter cuts what TOP wants out of a message on its way: the header, the empty line and n lines of the body.
// Flow: Write()* Finish(). Thread-safety: none. Holds no content. RFC 1939, 3 and 7 TOP.
#ifndef MAILMESH_COMMON_POP3_MULTILINE_WRITER_H_
#define MAILMESH_COMMON_POP3_MULTILINE_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/dot_stuffer.h"

namespace mailmesh::pop3 {

class MultilineWriter {
 public:
  void Write(std::string_view chunk, std::string& out) { stuffer_.Write(chunk, out); }
  void Finish(std::string& out) { stuffer_.Finish(out); }

 private:
  base::DotStuffer stuffer_;
};

class TopFilter {
 public:
  explicit TopFilter(uint32_t body_lines) : left_(body_lines) {}
  // The part of the next chunk that belongs to the answer: a prefix of it. A line ends at LF (stored mail may have bare
  // ones).
  std::string_view Take(std::string_view chunk);
  // Nothing more will be taken: the rest need not be read.
  bool done() const { return done_; }

 private:
  uint32_t left_;
  bool in_header_ = true;
  bool line_empty_ = true;  // nothing but CR since the last LF
  bool done_ = false;
};

}  // namespace mailmesh::pop3

#endif  // MAILMESH_COMMON_POP3_MULTILINE_WRITER_H_
