// Encodes content for DATA: dot-stuffing, and the end.
//
// kKeep sends octets as they are. kNormalise turns each bare LF and each bare CR into CRLF first: a server that takes a
// bare LF for a line end could otherwise be made to see an end of data that we did not send (smuggling, from our side).
// Flow: Write()* Finish(). Thread-safety: none. Holds at most one octet. RFC 5321, 4.5.2, 2.3.8.
#ifndef MAILMESH_COMMON_SMTP_DATA_WRITER_H_
#define MAILMESH_COMMON_SMTP_DATA_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/dot_stuffer.h"

namespace mailmesh::smtp {

enum class StrayLineEndings : uint8_t { kKeep, kNormalise };

// Turns bare LF and bare CR into CRLF, chunk by chunk.
class LineEndingNormaliser {
 public:
  void Write(std::string_view chunk, std::string& out);
  // Writes what was held back.
  void Finish(std::string& out);
  // A CR at the end of the last chunk, which the next may complete.
  bool holds() const { return held_cr_; }

 private:
  bool held_cr_ = false;
};

class DataWriter {
 public:
  explicit DataWriter(StrayLineEndings stray = StrayLineEndings::kNormalise) : stray_(stray) {}

  void Write(std::string_view chunk, std::string& out);
  // The final CRLF, if it is missing, and the dot.
  void Finish(std::string& out);

 private:
  StrayLineEndings stray_;
  LineEndingNormaliser normaliser_;
  base::DotStuffer stuffer_;
  std::string normalised_;
};

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_DATA_WRITER_H_
