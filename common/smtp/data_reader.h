// Decodes the content after DATA, at any split of the input: the octets of the message come out, dot-unstuffed, to the
// last CRLF.
//
// The one place that decides where a message ends: at CRLF . CRLF and nowhere else, whatever stands around it. A bare
// LF or CR is not a line end, does not make the next dot special, and is flagged: the session must refuse such a
// message, after its real end. Past max_size the octets are counted and dropped, so that the session stays in step with
// the client: a reader that stopped early would take the rest of the message for commands, which is how mail is
// smuggled (CVE-2023-51764 and its kin).
//
// Flow: while (!input.empty() && !reader.done()) input.remove_prefix(reader.Decode(input, content));
// Thread-safety: none. Holds no content; never throws on input. RFC 5321, 4.1.1.4, 4.5.2, 2.3.8.
#ifndef MAILMESH_COMMON_SMTP_DATA_READER_H_
#define MAILMESH_COMMON_SMTP_DATA_READER_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace mailmesh::smtp {

class DataReader {
 public:
  explicit DataReader(uint64_t max_size = std::numeric_limits<uint64_t>::max()) : max_size_(max_size) {}

  // Appends what the message gains from `input`. Returns how many octets belong to DATA: all of them until done(), and
  // then what lies behind the final dot is the next command's.
  size_t Decode(std::string_view input, std::string& content);

  bool done() const { return state_ == State::kDone; }
  // Octets of the message, those beyond max_size included.
  uint64_t size() const { return size_; }
  bool too_big() const { return size_ > max_size_; }
  bool bare_lf() const { return bare_lf_; }
  bool bare_cr() const { return bare_cr_; }

 private:
  enum class State : uint8_t { kLineStart, kInside, kCr, kDot, kDotCr, kDone };

  const char* Border(const char* at, std::string& content);
  const char* Lines(const char* at, const char* end, std::string& content);
  void Emit(const char* from, const char* to, std::string& content);

  uint64_t max_size_;
  uint64_t size_ = 0;
  State state_ = State::kLineStart;  // RFC 5321, 4.5.2: the CRLF of DATA itself counts
  bool bare_lf_ = false;
  bool bare_cr_ = false;
};

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_DATA_READER_H_
