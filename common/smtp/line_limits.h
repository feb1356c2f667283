// How long a command line may be. Constants and one pure function.
#ifndef MAILMESH_COMMON_SMTP_LINE_LIMITS_H_
#define MAILMESH_COMMON_SMTP_LINE_LIMITS_H_

#include <cstddef>

#include "common/smtp/extension.h"

namespace mailmesh::smtp {

inline constexpr size_t kBaseCommandLine = 512;  // RFC 5321, 4.5.3.1.4, with CRLF
inline constexpr size_t kReplyLine = 512;        // RFC 5321, 4.5.3.1.5, with CRLF
inline constexpr size_t kAuthLine = 12288;       // RFC 4954, 4: a line of the exchange

// RFC 5321, 4.5.3.1: a server that offers an extension takes the longer lines it brings. One limit for all commands:
// the sum over the longest of them (MAIL and RCPT); the AUTH command itself, with an initial response, may be
// kAuthLine.
size_t CommandLineLimit(ExtensionSet offered);

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_LINE_LIMITS_H_
