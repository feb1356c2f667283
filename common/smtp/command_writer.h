// The client's side: commands as lines with CRLF. Thread-safe free functions.
//
// Parameters of extensions that the server does not offer are left out: what may not be left out (SMTPUTF8, BINARYMIME,
// REQUIRETLS) is the caller's to check (transaction.h does).
#ifndef MAILMESH_COMMON_SMTP_COMMAND_WRITER_H_
#define MAILMESH_COMMON_SMTP_COMMAND_WRITER_H_

#include <string>
#include <string_view>

#include "common/smtp/command.h"
#include "common/smtp/extension.h"

namespace mailmesh::smtp {

// `name` must be what IsDomain() or IsAddressLiteral() take; other octets become '?', so that no line can be smuggled.
void AppendHello(Verb verb, std::string_view name, std::string& out);
void AppendMail(const Mail& mail, ExtensionSet offered, std::string& out);
void AppendRcpt(const Rcpt& rcpt, ExtensionSet offered, bool smtputf8, std::string& out);
void AppendBdat(uint64_t size, bool last, std::string& out);
// DATA, RSET, NOOP, QUIT, STARTTLS.
void AppendBare(Verb verb, std::string& out);

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_COMMAND_WRITER_H_
