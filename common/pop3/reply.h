// Status lines: +OK and -ERR with their response codes, both ways. Thread-safe values and free functions.
//
// Limits: a line that we write has at most 512 octets with its CRLF (RFC 2449, 4): text that is longer is cut; control
// characters in it become '?'. RFC 1939, 3; RFC 2449, 8; RFC 3206; RFC 6856, 5.
#ifndef MAILMESH_COMMON_POP3_REPLY_H_
#define MAILMESH_COMMON_POP3_REPLY_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mailmesh::pop3 {

inline constexpr size_t kMaxReplyLine = 512;

// A reply that is known at compile time.
struct CannedReply {
  bool ok = false;
  std::string_view code;  // "SYS/TEMP", or empty
  std::string_view text;
};

struct Reply {
  bool ok = false;
  std::string code;  // without brackets, as the server wrote it
  std::string text;  // behind the code

  Reply() = default;
  Reply(const CannedReply& canned)  // NOLINT(google-explicit-constructor): a canned reply is a reply
      : ok(canned.ok), code(canned.code), text(canned.text) {}
  Reply(bool ok, std::string code, std::string text) : ok(ok), code(std::move(code)), text(std::move(text)) {}

  // RFC 2449, 8: whether the code is `code` or one below it ("SYS" has "SYS/TEMP"), in any case.
  bool HasCode(std::string_view code) const;
  // For logs: "-ERR [SYS/TEMP] ...".
  std::string ToString() const;
  bool operator==(const Reply&) const = default;
};

void AppendReply(const Reply& reply, std::string& out);
void AppendReply(const CannedReply& reply, std::string& out);
// "+ " and base64. RFC 5034, 4.
void AppendChallenge(std::string_view challenge, std::string& out);

// A status line without its CRLF; nothing if it is not one.
std::optional<Reply> ParseReply(std::string_view line);
// RFC 1939, 7 APOP: the timestamp of a greeting, with its angle brackets.
std::optional<std::string> GreetingTimestamp(const Reply& greeting);
// "+ ..." decoded; nothing if the line is not a challenge that can be read.
std::optional<std::string> ParseChallenge(std::string_view line);

}  // namespace mailmesh::pop3

#endif  // MAILMESH_COMMON_POP3_REPLY_H_
