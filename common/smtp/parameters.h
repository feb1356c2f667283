// The ESMTP parameters of MAIL and RCPT: " KEY=value KEY ...". Internal to common/smtp. RFC 5321, 4.1.2, 4.1.1.11.
#ifndef MAILMESH_COMMON_SMTP_PARAMETERS_H_
#define MAILMESH_COMMON_SMTP_PARAMETERS_H_

#include <string_view>

#include "common/smtp/command.h"
#include "common/smtp/command_parser.h"

namespace mailmesh::smtp {

// Nothing wrong: code 0.
CannedReply ParseMailParameters(std::string_view text, const ParseOptions& options, Mail& out);
CannedReply ParseRcptParameters(std::string_view text, const ParseOptions& options, Rcpt& out);

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_PARAMETERS_H_
