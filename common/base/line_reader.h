// Frames lines out of a stream of octets, whatever the borders of the reads.
//
// A line ends at CRLF only (or, where a client must live with what servers send, also at a bare LF). A line with a bare
// LF, a bare CR or too many octets is reported once, as soon as it is known, and the rest of it up to its CRLF is
// dropped without a word: the reader stays in step with a peer that ends lines at CRLF only, so that nothing behind a
// bare LF is ever taken for a line of its own.
//
// Flow: while (!input.empty()) { auto framed = reader.Next(input); input.remove_prefix(framed.consumed); ... }
// Thread-safety: none. Limits: holds at most max_line octets; never throws on input.
#ifndef MAILMESH_COMMON_BASE_LINE_READER_H_
#define MAILMESH_COMMON_BASE_LINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mailmesh::base {

enum class LineEndings : uint8_t { kCrlfOnly, kCrlfOrLf };

class LineReader {
 public:
  enum class Outcome : uint8_t {
    kNeedMore,  // all input is consumed, no line is complete
    kLine,      // `line` is one line without its end
    kTooLong,   // the line is longer than max_line
    kBareLf,    // LF without CR (kCrlfOnly)
    kBareCr,    // CR without LF (kCrlfOnly; otherwise it is part of the line)
  };

  struct Framed {
    Outcome outcome = Outcome::kNeedMore;
    std::string_view line;  // kLine only; points into the input or the reader: valid until either changes
    size_t consumed = 0;    // octets of the input that are done with
  };

  // `max_line` counts the CRLF, as RFCs do.
  explicit LineReader(size_t max_line, LineEndings endings = LineEndings::kCrlfOnly);

  Framed Next(std::string_view input);

  // Takes effect at the next line that does not exceed it yet.
  void set_max_line(size_t max_line) { max_line_ = max_line; }
  // Octets thrown away since the last line that was complete: lets a session end a peer that never ends its line.
  uint64_t dropped() const { return dropped_; }
  // True between lines.
  bool at_line_start() const { return (partial_.empty() || clear_partial_) && !dropping_; }
  // Whether the last kLine ended at a bare LF (kCrlfOrLf).
  bool ended_at_bare_lf() const { return bare_lf_; }
  // Forgets a partial line (STARTTLS: what came before the handshake does not count).
  void Reset();

 private:
  size_t Drop(std::string_view input);
  Framed Scan(std::string_view input);
  Framed Fail(Outcome outcome, char last, size_t consumed);
  Framed Complete(std::string_view input, size_t lf);
  size_t BehindBareCr(std::string_view text) const;

  size_t max_line_;
  LineEndings endings_;
  std::string partial_;
  bool clear_partial_ = false;  // the last line lived in partial_
  bool dropping_ = false;
  bool dropped_cr_ = false;  // the last dropped octet was CR
  bool bare_lf_ = false;
  uint64_t dropped_ = 0;
};

}  // namespace mailmesh::base

#endif  // MAILMESH_COMMON_BASE_LINE_READER_H_
