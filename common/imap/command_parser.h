// From the text of a command to its typed form.
//
// The text is what CommandReader yields: the lines of one command, literals embedded as "{5}CRLFhello", without the final
// CRLF. Errors (their texts are constant and may be sent to the client):
//   InvalidArgument      syntax: answer tagged BAD ("* BAD" where `tag` is empty)
//   Unimplemented        no such command: answer BAD
//   FailedPrecondition   a mailbox name that is not valid modified UTF-7 or UTF-8, so that no such mailbox can be:
//                        answer NO [CANNOT]
// Thread-safety: free functions. Limits: CommandReader bounds the text, ParseOptions and the structs' headers the rest.
// RFC 3501, 9 and RFC 4466; where they leave room, as Dovecot: 8-bit octets are taken in quoted strings.
#ifndef MAILMESH_COMMON_IMAP_COMMAND_PARSER_H_
#define MAILMESH_COMMON_IMAP_COMMAND_PARSER_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/imap/command.h"
#include "common/imap/literal.h"
#include "common/imap/verb.h"

namespace mailmesh::imap {

struct ParseOptions {
  bool utf8_accept = false;  // RFC 6855: UTF8=ACCEPT is enabled; mailbox names are UTF-8 and "&" is a character
  SearchLimits search;
};

struct ParsedCommand {
  std::string tag;  // empty: it could not be read
  Verb verb = Verb::kUnknown;  // known even where the arguments are wrong; of UID commands the second word
  bool uid = false;            // "UID" stood before the verb
  absl::StatusOr<Command> command = absl::UnknownError("");
};

// A whole command. APPEND is never whole here: without a literal it is a syntax error.
ParsedCommand ParseCommand(std::string_view text, const ParseOptions& options = {});

// The head of APPEND, as CommandReader announces it before the first message: "A1 APPEND INBOX (\Seen) ".
ParsedCommand ParseAppend(std::string_view head, const LiteralHeader& literal, const ParseOptions& options = {});
// RFC 3502: what stands between two messages, " (\Seen) ". `previous` is the message before it (UTF8 needs its ")").
absl::StatusOr<AppendMessage> ParseNextAppendMessage(std::string_view text, const LiteralHeader& literal,
                                                     const AppendMessage& previous);
// What stands after the last message: nothing, or ")" after a UTF8 one.
absl::Status ParseAppendEnd(std::string_view text, const AppendMessage& last);

// The tag at the start of a (damaged, cut) command, or empty where none can be read. RFC 3501, 9 (tag).
std::string_view ReadTag(std::string_view text);

// For a transcript: the command's text, with the arguments of LOGIN and AUTHENTICATE replaced by "***". Not escaped.
std::string RedactCommand(std::string_view text);

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_COMMAND_PARSER_H_
