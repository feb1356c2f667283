// One command line -> a Command, or the reply that refuses it.
//
// Knows the grammar, not the order of commands (ServerMachine) nor any policy. RFC 5321, 4.1.1: verbs and keywords in
// any case, trailing white space is forgiven, and so are spaces after "FROM:" and "TO:", which many clients send.
// Thread-safety: free functions. Never throws on input; linear in the line, which the caller has bounded.
#ifndef MAILMESH_COMMON_SMTP_COMMAND_PARSER_H_
#define MAILMESH_COMMON_SMTP_COMMAND_PARSER_H_

#include <string_view>
#include <variant>

#include "common/smtp/address.h"
#include "common/smtp/command.h"
#include "common/smtp/extension.h"
#include "common/smtp/reply.h"

namespace mailmesh::smtp {

struct ParseOptions {
  // A parameter of an extension that was not offered is unknown (RFC 5321, 4.1.1.11).
  ExtensionSet offered;
  // RFC 6531, 3.4: the transaction began with SMTPUTF8, so RCPT may carry UTF-8.
  bool utf8_transaction = false;
  // Limits; `utf8` is ignored here.
  AddressOptions address;
};

struct ParsedCommand {
  Verb verb = Verb::kOther;
  std::variant<Command, CannedReply> result;

  bool ok() const { return result.index() == 0; }
  const Command& command() const { return *std::get_if<Command>(&result); }
  Command& command() { return *std::get_if<Command>(&result); }
  const CannedReply& error() const { return *std::get_if<CannedReply>(&result); }
};

// `line` has no CRLF.
ParsedCommand ParseCommand(std::string_view line, const ParseOptions& options);

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_COMMAND_PARSER_H_
