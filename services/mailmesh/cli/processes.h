// The single processes of a mesh: each replica behind a name or in a list, and each shard of the directory's map.
#ifndef MAILMESH_SERVICES_MAILMESH_CLI_PROCESSES_H_
#define MAILMESH_SERVICES_MAILMESH_CLI_PROCESSES_H_

#include <string>
#include <vector>

#include "services/mailmesh/cli/context.h"

namespace mailmesh::cli {

struct Process {
  std::string instance;  // as the mesh names it: "imap_gateway", "imap_gateway.1", "mailbox_store (shard 2)"
  std::string role;
  std::string endpoint;  // of this process alone
};

// The addresses behind an endpoint of channel.h: the members of a list, the addresses of a name. What cannot be looked up stays as it
// is, as one address.
std::vector<std::string> SingleEndpoints(const std::string& endpoint);

// Whether the host of "host:port" has an address. UNAVAILABLE where nobody could say; INVALID_ARGUMENT.
absl::StatusOr<bool> HasAddress(const std::string& endpoint);

struct Processes {
  std::vector<Process> all;  // each once
  absl::Status map;          // why the shards of the directory's map are not among them
};
absl::StatusOr<Processes> FindProcesses(Context& context);

}  // namespace mailmesh::cli

#endif  // MAILMESH_SERVICES_MAILMESH_CLI_PROCESSES_H_
