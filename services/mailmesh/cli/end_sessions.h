// Ends what an account has open, as part of a command that takes its right to it away.
#ifndef MAILMESH_SERVICES_MAILMESH_CLI_END_SESSIONS_H_
#define MAILMESH_SERVICES_MAILMESH_CLI_END_SESSIONS_H_

#include <absl/status/status.h>

#include <string>

#include "services/mailmesh/cli/context.h"

namespace mailmesh::cli {

// Ends the account's sessions at every gateway, and says how many there were. `account`: its address, as the directory has it.
// Unavailable, and what is left to do, when a gateway does not answer.
absl::Status EndSessions(Context& context, const std::string& account);

}  // namespace mailmesh::cli

#endif  // MAILMESH_SERVICES_MAILMESH_CLI_END_SESSIONS_H_
