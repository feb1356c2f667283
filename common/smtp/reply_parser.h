// Reads a server's replies at any split of the input.
//
// Lenient where servers are known to be sloppy (bare LF, a missing text, long lines), strict in what could shift
// replies against commands: codes, and one code per reply.
// Flow: while (!input.empty()) { auto step = parser.Feed(input); input.remove_prefix(step.consumed); if kReply:
// parser.Take(); } Thread-safety: none. Limits: ReplyLimits; past them the outcome is kError and the connection is of
// no use. RFC 5321, 4.2; RFC 2034, 4.
#ifndef MAILMESH_COMMON_SMTP_REPLY_PARSER_H_
#define MAILMESH_COMMON_SMTP_REPLY_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/line_reader.h"
#include "common/smtp/reply.h"

namespace mailmesh::smtp {

struct ReplyLimits {
  size_t max_line = 4096;     // RFC 5321, 4.5.3.1.5 says 512; SASL challenges need more
  size_t max_lines = 200;     // of one reply
  size_t max_octets = 65536;  // of one reply
};

class ReplyParser {
 public:
  enum class Outcome : uint8_t { kNeedMore, kReply, kError };
  struct Step {
    Outcome outcome = Outcome::kNeedMore;
    size_t consumed = 0;
  };

  explicit ReplyParser(const ReplyLimits& limits = {});

  // Stops after one reply; kError is final.
  Step Feed(std::string_view input);
  // The reply, once, after kReply.
  Reply Take();
  // True when no reply has begun.
  bool idle() const { return lines_ == 0 && reader_.at_line_start(); }

 private:
  Outcome AddLine(std::string_view line);

  ReplyLimits limits_;
  base::LineReader reader_;
  Reply reply_;
  size_t lines_ = 0;
  size_t octets_ = 0;
  bool failed_ = false;
};

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_REPLY_PARSER_H_
