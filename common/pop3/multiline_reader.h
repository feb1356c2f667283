// A client's reading of a message in a multi-line response, at any split: octets out, dot-unstuffed, up to the dot.
//
// Tolerant, since a fetcher must live with what servers send: a line may end with a bare LF, for the final dot too.
// Octets are kept as they came:
// a bare LF stays one. A bare CR is an octet like others.
// Lists (CAPA, UIDL, LIST) are not read with this but line by line (ClientMachine).
// Flow: as smtp::DataReader. Thread-safety: none. Holds no content. RFC 1939, 3.
#ifndef MAILMESH_COMMON_POP3_MULTILINE_READER_H_
#define MAILMESH_COMMON_POP3_MULTILINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mailmesh::pop3 {

class MultilineReader {
 public:
  // Appends the content of `input`; returns how many octets belong to this response: all until done().
  size_t Decode(std::string_view input, std::string& content);
  bool done() const { return state_ == State::kDone; }
  // Octets of content so far.
  uint64_t size() const { return size_; }

 private:
  enum class State : uint8_t { kLineStart, kInside, kDot, kDotCr, kDone };

  void Emit(const char* from, const char* to, std::string& content);
  const char* Dot(const char* at, std::string& content);

  State state_ = State::kLineStart;
  uint64_t size_ = 0;
};

}  // namespace mailmesh::pop3

#endif  // MAILMESH_COMMON_POP3_MULTILINE_READER_H_
