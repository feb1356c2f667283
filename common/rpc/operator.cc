#include "common/rpc/operator.h"

#include <grpcpp/server_context.h>

#include <algorithm>
#include <string_view>

namespace mailmesh::rpc {
namespace {

constexpr size_t kMaxName = 128;

}  // namespace

std::string OperatorOf(const CallInfo& info) {
  const auto found = info.context->client_metadata().find(kOperatorKey);
  if (found == info.context->client_metadata().end()) return "";
  // Over TLS a role is what its certificate says; another role that uses the word is not believed.
  const std::vector<std::string> roles = info.PeerRoles();
  if (!roles.empty() && std::find(roles.begin(), roles.end(), "operator") == roles.end()) return "";
  const std::string_view name(found->second.data(), found->second.size());
  const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return name.empty() || name.size() > kMaxName || !printable ? "operator" : std::string(name);
}

}  // namespace mailmesh::rpc
