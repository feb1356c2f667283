// Which role may call which method over `host:port`: the one table (access_table.cc), denied unless it says otherwise.
// On Unix sockets it is not asked: there the kernel lets in nobody but the mesh's own user.
#ifndef MAILMESH_COMMON_RPC_ACCESS_TABLE_H_
#define MAILMESH_COMMON_RPC_ACCESS_TABLE_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::rpc {

// May a peer with one of `roles` call `path` ("/package.Service/Method")?
bool IsAllowed(std::string_view path, std::span<const std::string> roles);

// One row: a service, or one method of it ("package.Service/Method", which then counts alone). "*" is every role
// of the mesh (MeshRoles).
struct AccessRule {
  std::string_view target;
  std::vector<std::string_view> roles;
};
std::span<const AccessRule> AccessRules();
// The roles that processes of the mesh have, and "operator". A certificate with another is a stranger's.
std::span<const std::string_view> MeshRoles();

// For tests' own services: allows `target` to everybody until the process ends. Before servers start.
void AllowForTest(std::string_view target);

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_ACCESS_TABLE_H_
