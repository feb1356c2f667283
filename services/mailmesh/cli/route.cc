#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "mailmesh/directory/v1/directory_admin_service.grpc.pb.h"
#include "mailmesh/relay/v1/route_secret_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/tls_policies.h"

namespace mailmesh::cli {

using directory::v1::TlsPolicy;

const std::map<std::string, TlsPolicy>& TlsPolicies() {
  static const auto* const kPolicies = new std::map<std::string, TlsPolicy>{
      {"none", directory::v1::TLS_POLICY_NONE},
      {"opportunistic", directory::v1::TLS_POLICY_OPPORTUNISTIC},
      {"required", directory::v1::TLS_POLICY_REQUIRED},
      {"verified", directory::v1::TLS_POLICY_VERIFIED},
  };
  return *kPolicies;
}

namespace {

using directory::v1::DirectoryAdminService;
using Stub = DirectoryAdminService::Stub;

std::string NameOf(TlsPolicy policy) {
  for (const auto& [name, value] : TlsPolicies()) {
    if (value == policy) return name;
  }
  return "opportunistic";
}

// The password passes through the relay, which alone opens it again: the directory never sees it.
absl::StatusOr<std::string> Seal(Context& context, const directory::v1::Route& route, const std::string& password) {
  using relay::v1::RouteSecretService;
  ASSIGN_OR_RETURN(const auto relays, context.Instances("outbound_relay"));
  ASSIGN_OR_RETURN(const auto stub, Connect<RouteSecretService>(context, relays.front()));
  relay::v1::SealRoutePasswordRequest request;
  request.set_domain(route.domain());
  request.set_user(route.user());
  request.set_password(password);
  ASSIGN_OR_RETURN(const auto response, Call(stub.get(), &RouteSecretService::Stub::SealRoutePassword, request));
  return response.sealed_password();
}

absl::Status AddRoute(Context& context, directory::v1::Route route, bool password_stdin) {
  if (!route.user().empty()) {
    const std::string prompt = absl::StrCat("Password of ", route.user(), " at ", route.next_hops(0));
    ASSIGN_OR_RETURN(const std::string password, ReadSecret(prompt, password_stdin));
    ASSIGN_OR_RETURN(*route.mutable_sealed_password(), Seal(context, route, password));
  }
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::SetRouteRequest request;
  request.set_request_id(NewRequestId());
  *request.mutable_route() = std::move(route);
  return Call(stub.get(), &Stub::SetRoute, request).status();
}

absl::Status ListRoutes(Context& context) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  Table table({"domain", "next_hops", "protocol", "tls", "implicit_tls", "user"});
  directory::v1::ListRoutesRequest request;
  do {
    ASSIGN_OR_RETURN(const auto page, Call(stub.get(), &Stub::ListRoutes, request));
    for (const auto& route : page.routes()) {
      table.AddRow({route.domain(), absl::StrJoin(route.next_hops(), " "), route.lmtp() ? "lmtp" : "smtp",
                    NameOf(route.tls_policy()), route.implicit_tls() ? "yes" : "no", route.user()});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  std::cout << table.Format(context.output);
  return absl::OkStatus();
}

absl::Status DeleteRoute(Context& context, const std::string& domain) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::DeleteRouteRequest request;
  request.set_request_id(NewRequestId());
  request.set_domain(domain);
  return Call(stub.get(), &Stub::DeleteRoute, request).status();
}

}  // namespace

void AddRouteCommands(CLI::App& app) {
  auto* route = app.add_subcommand("route", "Where mail for a domain is sent, instead of by MX")->require_subcommand(1);
  struct Arguments {
    std::string domain;
    std::vector<std::string> next_hops;
    bool lmtp = false;
    bool implicit_tls = false;
    TlsPolicy tls = directory::v1::TLS_POLICY_UNSPECIFIED;
    std::string user;
    bool password_stdin = false;
  };
  auto arguments = std::make_shared<Arguments>();
  auto* add = route->add_subcommand("add", "Sets the route of a domain, in the place of the one that it has");
  add->add_option("DOMAIN", arguments->domain, "The domain")->required();
  add->add_option("HOST:PORT", arguments->next_hops, "Next hops, tried in this order")->required();
  add->add_flag("--lmtp", arguments->lmtp, "Speak LMTP (RFC 2033) to it");
  add->add_option("--tls", arguments->tls,
                  "TLS: none, opportunistic (the default), required or verified (the default with --user)")
      ->transform(CLI::CheckedTransformer(TlsPolicies()));
  add->add_flag("--implicit-tls", arguments->implicit_tls, "TLS from the first octet (RFC 8314: port 465) instead of STARTTLS");
  auto* user = add->add_option("--user", arguments->user,
                               "Log in at the next hops as this user; mail waits while that fails. Without TLS only on this machine");
  add->add_flag("--password-stdin", arguments->password_stdin, "Read the password from standard input")->needs(user);
  SetAction(add, [arguments](Context& context) {
    directory::v1::Route value;
    value.set_domain(arguments->domain);
    for (const std::string& hop : arguments->next_hops) value.add_next_hops(hop);
    value.set_lmtp(arguments->lmtp);
    value.set_implicit_tls(arguments->implicit_tls);
    value.set_user(arguments->user);
    // A password is not given to a server that nobody has looked at, unless somebody says so.
    const TlsPolicy usual = arguments->user.empty() ? directory::v1::TLS_POLICY_OPPORTUNISTIC : directory::v1::TLS_POLICY_VERIFIED;
    value.set_tls_policy(arguments->tls == directory::v1::TLS_POLICY_UNSPECIFIED ? usual : arguments->tls);
    return AddRoute(context, std::move(value), arguments->password_stdin);
  });
  SetAction(route->add_subcommand("list", "Lists the routes"), ListRoutes);
  auto* remove = route->add_subcommand("delete", "Deletes the route of a domain");
  remove->add_option("DOMAIN", arguments->domain, "The domain")->required();
  SetAction(remove, [arguments](Context& context) { return DeleteRoute(context, arguments->domain); });
}

}  // namespace mailmesh::cli
