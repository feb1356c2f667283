// One command line -> a Command, or the reply that refuses it. Grammar only: which state allows what is the gateway's.
//
// Lines are framed by base::LineReader(kMaxCommandLine); during an AUTH exchange set_max_line(kMaxAuthLine).
// Thread-safety: free functions. Never throws on input. RFC 1939, 3; RFC 2449, 3 and 4; RFC 5034, 4.
#ifndef MAILMESH_COMMON_POP3_COMMAND_PARSER_H_
#define MAILMESH_COMMON_POP3_COMMAND_PARSER_H_

#include <cstddef>
#include <string_view>
#include <variant>

#include "common/pop3/command.h"
#include "common/pop3/reply.h"

namespace mailmesh::pop3 {

inline constexpr size_t kMaxCommandLine = 255;  // RFC 2449, 4, with CRLF
inline constexpr size_t kMaxAuthLine = 12288;   // as RFC 4954, 4: room for SASL messages

struct ParsedCommand {
  Verb verb = Verb::kOther;
  std::variant<Command, CannedReply> result;

  bool ok() const { return result.index() == 0; }
  const Command& command() const { return *std::get_if<Command>(&result); }
  Command& command() { return *std::get_if<Command>(&result); }
  const CannedReply& error() const { return *std::get_if<CannedReply>(&result); }
};

// `line` has no CRLF.
ParsedCommand ParseCommand(std::string_view line);

// RFC 5034, 4: a line of the exchange.
struct AuthLine {
  enum class Kind : uint8_t { kResponse, kCancel, kBad };
  Kind kind = Kind::kBad;
  base::Secret response;  // decoded
};
AuthLine ParseAuthLine(std::string_view line);

}  // namespace mailmesh::pop3

#endif  // MAILMESH_COMMON_POP3_COMMAND_PARSER_H_
