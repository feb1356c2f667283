#include <CLI/CLI.hpp>
#include <iostream>

#include "common/base/status.h"
#include "mailmesh/directory/v1/directory_admin_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

using directory::v1::DirectoryAdminService;
using Stub = DirectoryAdminService::Stub;

absl::Status AddDomain(Context& context, const std::string& name, bool relay) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::CreateDomainRequest request;
  request.set_request_id(NewRequestId());
  request.mutable_domain()->set_name(name);
  request.mutable_domain()->set_kind(relay ? directory::v1::DOMAIN_KIND_RELAY : directory::v1::DOMAIN_KIND_LOCAL);
  return Call(stub.get(), &Stub::CreateDomain, request).status();
}

absl::Status ListDomains(Context& context) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  Table table({"domain", "kind"});
  directory::v1::ListDomainsRequest request;
  do {
    ASSIGN_OR_RETURN(const auto page, Call(stub.get(), &Stub::ListDomains, request));
    for (const auto& domain : page.domains()) {
      table.AddRow({domain.name(), domain.kind() == directory::v1::DOMAIN_KIND_RELAY ? "relay" : "local"});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  std::cout << table.Format(context.output);
  return absl::OkStatus();
}

absl::Status DeleteDomain(Context& context, const std::string& name) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::DeleteDomainRequest request;
  request.set_request_id(NewRequestId());
  request.set_name(name);
  return Call(stub.get(), &Stub::DeleteDomain, request).status();
}

}  // namespace

void AddDomainCommands(CLI::App& app) {
  auto* domain = app.add_subcommand("domain", "Domains whose mail this mesh takes")->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  auto relay = std::make_shared<bool>(false);
  auto* add = domain->add_subcommand("add", "Adds a domain");
  add->add_option("NAME", *name, "The domain")->required();
  add->add_flag("--relay", *relay, "Take mail for it from anyone and send it on by the domain's route");
  SetAction(add, [name, relay](Context& context) { return AddDomain(context, *name, *relay); });
  SetAction(domain->add_subcommand("list", "Lists the domains"), ListDomains);
  auto* remove = domain->add_subcommand("delete", "Deletes a domain that has no accounts and no aliases");
  remove->add_option("NAME", *name, "The domain")->required();
  SetAction(remove, [name](Context& context) { return DeleteDomain(context, *name); });
}

}  // namespace mailmesh::cli
