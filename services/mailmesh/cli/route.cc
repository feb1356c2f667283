#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "mailmesh/directory/v1/directory_admin_service.grpc.pb.h"
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

absl::Status SetRoute(Context& context, const directory::v1::Route& route) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::SetRouteRequest request;
  request.set_request_id(NewRequestId());
  *request.mutable_route() = route;
  return Call(stub.get(), &Stub::SetRoute, request).status();
}

absl::Status ListRoutes(Context& context) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  Table table({"domain", "next_hops", "protocol", "tls", "user"});
  directory::v1::ListRoutesRequest request;
  do {
    ASSIGN_OR_RETURN(const auto page, Call(stub.get(), &Stub::ListRoutes, request));
    for (const auto& route : page.routes()) {
      table.AddRow({route.domain(), absl::StrJoin(route.next_hops(), " "), route.lmtp() ? "lmtp" : "smtp",
                    NameOf(route.tls_policy()), route.user()});
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
    TlsPolicy tls = directory::v1::TLS_POLICY_OPPORTUNISTIC;
  };
  auto arguments = std::make_shared<Arguments>();
  auto* add = route->add_subcommand("add", "Sets the route of a domain");
  add->add_option("DOMAIN", arguments->domain, "The domain")->required();
  add->add_option("HOST:PORT", arguments->next_hops, "Next hops, tried in this order")->required();
  add->add_flag("--lmtp", arguments->lmtp, "Speak LMTP (RFC 2033) to it");
  add->add_option("--tls", arguments->tls, "TLS: none, opportunistic (the default), required or verified")
      ->transform(CLI::CheckedTransformer(TlsPolicies()));
  SetAction(add, [arguments](Context& context) {
    directory::v1::Route value;
    value.set_domain(arguments->domain);
    for (const std::string& hop : arguments->next_hops) value.add_next_hops(hop);
    value.set_lmtp(arguments->lmtp);
    value.set_tls_policy(arguments->tls);
    return SetRoute(context, value);
  });
  SetAction(route->add_subcommand("list", "Lists the routes"), ListRoutes);
  auto* remove = route->add_subcommand("delete", "Deletes the route of a domain");
  remove->add_option("DOMAIN", arguments->domain, "The domain")->required();
  SetAction(remove, [arguments](Context& context) { return DeleteRoute(context, arguments->domain); });
}

}  // namespace mailmesh::cli
