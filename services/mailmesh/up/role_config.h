// What the user asked of `mailmesh up`, and the configuration file of each role instance that follows from it.
#ifndef MAILMESH_SERVICES_MAILMESH_UP_ROLE_CONFIG_H_
#define MAILMESH_SERVICES_MAILMESH_UP_ROLE_CONFIG_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <string>

#include "services/mailmesh/up/layout.h"
#include "services/mailmesh/up/log_files.h"

namespace mailmesh::up {

struct UpOptions {
  std::string dir;
  uint16_t port_base = 0;  // 0: the system chooses every port
  bool grpc_tcp = false;
  std::string hostname = "localhost";
  LogLimits log;
  std::map<std::string, int> replicas;       // role -> instances, 1 where not named
  std::map<std::string, std::string> roles;  // role -> YAML that is merged into its configuration
};

// Reads `--config FILE` into `options`: a YAML map with `hostname`, `grpc` (unix or tcp), `replicas` (role -> count),
// `log` (how much of each process's log is kept in DIR/log: file_bytes, files), and per role a map that is merged into the role's own configuration (see docs/operations/configure.md).
absl::Status ReadUpConfig(const std::string& file, UpOptions& options);

// Addresses of one instance, chosen by the supervisor so that they hold over restarts.
struct InstanceAddresses {
  std::string grpc;
  std::string admin;
};
using AddressMap = std::map<std::string, InstanceAddresses>;  // by instance name

absl::StatusOr<AddressMap> ChooseAddresses(const Layout& layout, const UpOptions& options);

// Writes DIR/config/<instance>.yaml and returns its path.
absl::StatusOr<std::string> WriteRoleConfig(const Layout& layout, const UpOptions& options, const AddressMap& addresses,
                                            const std::string& role, int replica);

}  // namespace mailmesh::up

#endif  // MAILMESH_SERVICES_MAILMESH_UP_ROLE_CONFIG_H_
