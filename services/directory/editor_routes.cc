// Changes of routes.
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/net/endpoint.h"
#include "services/directory/editor.h"
#include "services/directory/errors.h"

namespace mailmesh::directory {
namespace {

constexpr int kMaxNextHops = 100;
// What the proto promises.
constexpr size_t kMaxUser = 512;
constexpr size_t kMaxSealedPassword = 4096;

absl::Status CheckLogin(const v1::Route& route) {
  if (route.user().empty() != route.sealed_password().empty()) {
    return absl::InvalidArgumentError("a route has a user and a password, or neither");
  }
  if (route.user().size() > kMaxUser || route.user().find('\0') != std::string::npos) return BadName("not a user to log in as");
  if (route.sealed_password().size() > kMaxSealedPassword) return absl::InvalidArgumentError("the sealed password is too long");
  return absl::OkStatus();
}

}  // namespace

absl::Status Editor::SetRoute(const v1::SetRouteRequest& request, v1::SetRouteResponse& response) {
  const v1::Route& route = request.route();
  absl::StatusOr<std::string> domain = ParseDomain(route.domain());
  if (!domain.ok()) return BadName("not a domain");
  if (route.next_hops().empty() || route.next_hops_size() > kMaxNextHops) {
    return absl::InvalidArgumentError(absl::StrCat("a route has 1 to ", kMaxNextHops, " next hops"));
  }
  storage::v1::DirectoryRouteRecord record;
  for (const std::string& hop : route.next_hops()) {
    absl::StatusOr<net::Endpoint> endpoint = net::Endpoint::Parse(hop);
    if (!endpoint.ok() || endpoint->is_unix() || endpoint->port() == 0) {
      return BadName(absl::StrCat("not a next hop (\"host:port\" or \"[address]:port\"): ", hop));
    }
    record.add_next_hops(hop);
  }
  if (!v1::TlsPolicy_IsValid(route.tls_policy())) return absl::InvalidArgumentError("unknown TLS policy");
  if (route.implicit_tls() && route.tls_policy() == v1::TLS_POLICY_NONE) {
    return absl::InvalidArgumentError("implicit TLS, and a TLS policy that wants none");
  }
  RETURN_IF_ERROR(CheckLogin(route));
  record.set_lmtp(route.lmtp());
  record.set_user(route.user());
  record.set_sealed_password(route.sealed_password());
  record.set_tls_policy(route.tls_policy());
  record.set_implicit_tls(route.implicit_tls());
  return Apply("SetRoute", request.request_id(), request, response, [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(auto there, store_.Find<storage::v1::DirectoryRouteRecord>(Table::kRoutes, *domain));
    store_.Put(change.batch, Table::kRoutes, *domain, record);
    if (!there) ++change.counts.routes;
    return absl::OkStatus();
  });
}

absl::Status Editor::DeleteRoute(const v1::DeleteRouteRequest& request, v1::DeleteRouteResponse& response) {
  absl::StatusOr<std::string> domain = ParseDomain(request.domain());
  if (!domain.ok()) return RouteNotFound();
  return Apply("DeleteRoute", request.request_id(), request, response, [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(auto there, store_.Find<storage::v1::DirectoryRouteRecord>(Table::kRoutes, *domain));
    if (!there) return RouteNotFound();
    store_.Delete(change.batch, Table::kRoutes, *domain);
    change.grows = false;
    --change.counts.routes;
    return absl::OkStatus();
  });
}

absl::Status Editor::ReplaceRoutePassword(const v1::ReplaceRoutePasswordRequest& request, v1::ReplaceRoutePasswordResponse& response) {
  absl::StatusOr<std::string> domain = ParseDomain(request.domain());
  if (!domain.ok()) return RouteNotFound();
  const std::string& sealed = request.new_sealed_password();
  if (sealed.empty() || sealed.size() > kMaxSealedPassword) return absl::InvalidArgumentError("not a sealed password");
  return Apply("ReplaceRoutePassword", request.request_id(), request, response, [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(auto there, store_.Find<storage::v1::DirectoryRouteRecord>(Table::kRoutes, *domain));
    if (!there) return RouteNotFound();
    // What was sealed anew is only good for what was read: somebody may have set another password, or none, since.
    if (there->user().empty() || there->sealed_password() != request.old_sealed_password()) {
      return NotAllowed("the route has another password by now");
    }
    there->set_sealed_password(sealed);
    store_.Put(change.batch, Table::kRoutes, *domain, *there);
    return absl::OkStatus();
  });
}

}  // namespace mailmesh::directory
