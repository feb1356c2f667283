// Line ends between messages (CRLF) and files (LF), and the quoting of "From " in mbox files. All of them take pieces of any
// size and hold back a few octets at most. Not thread-safe.
#ifndef MAILMESH_SERVICES_MAILMESH_ARCHIVE_LINE_CODEC_H_
#define MAILMESH_SERVICES_MAILMESH_ARCHIVE_LINE_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "services/mailmesh/archive/message.h"

namespace mailmesh::archive {

// CRLF becomes LF; a CR elsewhere stays.
class CrlfToLf {
 public:
  void Feed(std::string_view octets, std::string* out);
  // What is held back: a CR at the very end.
  void Finish(std::string* out);
  // A LF without CR came: LF-to-CRLF would not give the text back.
  bool irreversible() const { return irreversible_; }

 private:
  bool held_cr_ = false;
  bool irreversible_ = false;
};

// A file's octets to a message's, as `ends` says.
class LfToCrlf {
 public:
  explicit LfToCrlf(LineEnds ends) : ends_(ends) {}
  void Feed(std::string_view octets, std::string* out);

 private:
  LineEnds ends_;
  bool after_cr_ = false;
};

// mboxrd: a line that begins with any number of ">" and then "From " gets one ">" more, or loses one.
class FromQuoter {
 public:
  enum class Mode { kQuote, kUnquote };
  explicit FromQuoter(Mode mode) : mode_(mode) {}
  void Feed(std::string_view octets, std::string* out);
  void Finish(std::string* out);

 private:
  void GiveUp(std::string* out);

  Mode mode_;
  bool line_start_ = true;  // still matching the start of a line
  uint64_t marks_ = 0;      // ">" seen in it
  size_t matched_ = 0;      // octets of "From " seen after them
};

}  // namespace mailmesh::archive

#endif  // MAILMESH_SERVICES_MAILMESH_ARCHIVE_LINE_CODEC_H_
