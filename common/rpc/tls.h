// Mutual TLS between roles, for `host:port` endpoints: who a process is stands in its certificate as a URI name,
// mailmesh://role/<role>. Hides gRPC's experimental TLS interface.
//
// Certificate, key and authority are read again when the files change (looked at every second): replace a folder through
// its symbolic link, or each file by rename, key and certificate within a second; a pair that does not match is not taken.
// Connections that are open stay as they are.
#ifndef MAILMESH_COMMON_RPC_TLS_H_
#define MAILMESH_COMMON_RPC_TLS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace grpc {
class AuthContext;
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace mailmesh::rpc {

inline constexpr char kRoleUriPrefix[] = "mailmesh://role/";
inline std::string RoleUri(std::string_view role) { return std::string(kRoleUriPrefix).append(role); }

// PEM files of one process.
struct TlsFiles {
  std::string certificate;
  std::string private_key;
  std::string authority;
};

// What makes a process unable to take part: missing or unreadable files, a key that does not match, a certificate that
// has expired or names no role. Says which file and what to do.
absl::Status CheckTlsFiles(const TlsFiles& files);
// The roles that the certificate names.
absl::StatusOr<std::vector<std::string>> RolesOfCertificate(const std::string& certificate_file);

// Requires and verifies a client certificate, and applies the access table (access_table.h) to every call.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(const TlsFiles& files);
// Verifies that the server's certificate comes from the authority and names `server_role`. Host names do not count:
// a role is the same wherever it runs.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(const TlsFiles& files,
                                                                                 std::string_view server_role);

namespace rpc_internal {
// Roles among the URI names of a verified peer.
std::vector<std::string> RolesOfPeer(const grpc::AuthContext& peer);
}

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_TLS_H_
