// The roles of a mesh, in the order in which they start, and the protocol ports that each serves.
#ifndef MAILMESH_SERVICES_MAILMESH_UP_ROLES_H_
#define MAILMESH_SERVICES_MAILMESH_UP_ROLES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace mailmesh::up {

struct ProtocolPort {
  std::string name;  // as in endpoints.json, in LISTEN_FDNAMES and in the role's configuration
  uint16_t well_known;
};

struct Role {
  std::string name;
  std::vector<ProtocolPort> ports;
  // Roles that it calls by name; mailbox shards are found through the directory.
  std::vector<std::string> peers;
  // Offsets from the port base.
  uint16_t admin_offset;
  uint16_t grpc_offset;
};

// What serves comes before what uses it, so that a mesh that starts refuses nobody; it stops in the opposite order.
inline const std::vector<Role>& Roles() {
  static const auto* const kRoles = new std::vector<Role>{
      {"directory", {}, {}, 9101, 7101},
      {"mailbox_store", {}, {}, 9111, 7111},
      {"outbound_relay", {}, {"directory"}, 9121, 7121},
      {"fetcher", {}, {"directory"}, 9131, 7131},
      {"smtp_ingress",
       {{"mx", 25}, {"lmtp", 24}, {"submission", 587}, {"submissions", 465}},
       {"directory", "outbound_relay"},
       9141,
       7141},
      {"imap_gateway", {{"imap", 143}, {"imaps", 993}}, {"directory"}, 9151, 7151},
      {"pop3_gateway", {{"pop3", 110}, {"pop3s", 995}}, {"directory"}, 9161, 7161},
  };
  return *kRoles;
}

// At most this many instances of one role: their ports stand side by side.
inline constexpr int kMaxReplicas = 9;

// "imap_gateway", "imap_gateway.1", ...
inline std::string InstanceName(const std::string& role, int replica) {
  return replica == 0 ? role : role + "." + std::to_string(replica);
}

}  // namespace mailmesh::up

#endif  // MAILMESH_SERVICES_MAILMESH_UP_ROLES_H_
