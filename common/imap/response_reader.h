// Client role: cuts a server's octets, as they arrive, into responses; streams the large literals of FETCH.
//
// Flow as CommandReader's: Next() until kNeedInput.
//   kResponse      one response, complete: ParseResponse(event.text, event.streamed)
//   kLiteral       a literal larger than `max_kept_literal` begins: event.text is the response so far
//                  ("* 12 FETCH (UID 7 BODY[] "), event.size its size
//   kLiteralData   octets of it
//   kLiteralEnd    it is complete; the response goes on
//   kFatal         the server broke a limit or the grammar: close
// Thread-safety: one thread. Limits: Limits. RFC 3501, 2.2.2 and 7.
#ifndef MAILMESH_COMMON_IMAP_RESPONSE_READER_H_
#define MAILMESH_COMMON_IMAP_RESPONSE_READER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::imap {

class ResponseReader {
 public:
  struct Limits {
    size_t max_line = 1024 * 1024;        // SEARCH of a large mailbox is one line
    size_t max_response = 4 * 1024 * 1024;  // lines and kept literals of one response
    uint64_t max_kept_literal = 64 * 1024;  // larger ones are streamed
    uint64_t max_literal = 1ull << 40;      // larger ones are a lie
  };

  enum class Kind : uint8_t { kNeedInput, kResponse, kLiteral, kLiteralData, kLiteralEnd, kFatal };

  struct Event {
    Kind kind = Kind::kNeedInput;
    // kResponse: without the final CRLF, kept literals embedded as "{5}CRLFhello", streamed ones as "{5}CRLF" alone.
    // Valid until the next call, and as long as the input is.
    std::string_view text;
    // kResponse: where in `text` the octets of streamed literals are missing, ascending.
    std::span<const size_t> streamed;
    uint64_t size = 0;  // kLiteral
  };

  explicit ResponseReader(const Limits& limits) : limits_(limits) {}
  ResponseReader() : ResponseReader(Limits()) {}

  Event Next(std::string_view* input);
  // Between two responses.
  bool idle() const { return state_ == State::kLine && (buffer_.empty() || clear_); }

 private:
  enum class State : uint8_t { kLine, kKeep, kStream, kDead };

  Event Line(std::string_view line);
  Event TakeStream(std::string_view* input);
  Event Fatal();
  void Reset();

  Limits limits_;
  State state_ = State::kLine;
  bool clear_ = false;
  uint64_t remaining_ = 0;
  size_t line_start_ = 0;
  std::string buffer_;
  std::vector<size_t> streamed_;
};

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_RESPONSE_READER_H_
