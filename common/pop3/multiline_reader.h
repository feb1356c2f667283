// A client's reading of a message in a multi-line response, at any split: octets out, dot-unstuffed, up to the dot.
//
// With kCrlfOnly a line ends at CRLF and nowhere else, so that a message with bare LFs in it cannot end early and pass
// its rest off as replies. kCrlfOrLf is for servers that end all their lines with a bare LF (ClientMachine finds out
// from the greeting).
// Octets are kept as they came: a bare LF stays one, and a bare CR is an octet like others.
// Lists (CAPA, UIDL, LIST) are not read with this but line by line (ClientMachine).
// Flow: as smtp::DataReader. Thread-safety: none. Holds no content. RFC 1939, 3.
#ifndef MAILMESH_COMMON_POP3_MULTILINE_READER_H_
#define MAILMESH_COMMON_POP3_MULTILINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/line_reader.h"

namespace mailmesh::pop3 {

class MultilineReader {
 public:
  explicit MultilineReader(base::LineEndings endings = base::LineEndings::kCrlfOnly) : endings_(endings) {}

  // Appends the content of `input`; returns how many octets belong to this response: all until done().
  size_t Decode(std::string_view input, std::string& content);
  bool done() const { return state_ == State::kDone; }
  // Octets of content so far.
  uint64_t size() const { return size_; }

 private:
  enum class State : uint8_t { kLineStart, kInside, kCr, kDot, kDotCr, kDone };

  const char* Border(const char* at, std::string& content);
  const char* Lines(const char* at, const char* end, std::string& content);
  bool EndsLine(const char* lf, const char* from) const;
  void Emit(const char* from, const char* to, std::string& content);

  base::LineEndings endings_;
  State state_ = State::kLineStart;
  uint64_t size_ = 0;
};

}  // namespace mailmesh::pop3

#endif  // MAILMESH_COMMON_POP3_MULTILINE_READER_H_
