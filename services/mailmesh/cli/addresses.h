// The addresses behind a name, for commands that speak to replicas one by one.
#ifndef MAILMESH_SERVICES_MAILMESH_CLI_ADDRESSES_H_
#define MAILMESH_SERVICES_MAILMESH_CLI_ADDRESSES_H_

#include <absl/status/statusor.h>

#include <string>
#include <vector>

namespace mailmesh::cli {

// "host:port" -> "address:port" of each address, in order. NotFound where the name has none; Unavailable where nobody answers.
absl::StatusOr<std::vector<std::string>> ResolveEndpoint(const std::string& endpoint);

}  // namespace mailmesh::cli

#endif  // MAILMESH_SERVICES_MAILMESH_CLI_ADDRESSES_H_
