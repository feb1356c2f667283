#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>

#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "mailmesh/directory/v1/directory_admin_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

using directory::v1::DirectoryAdminService;
using Stub = DirectoryAdminService::Stub;

// What the options say; unset and empty differ.
struct Arguments {
  std::string name;
  bool relay = false;
  std::optional<std::string> separators;
  std::vector<std::string> catch_all;
  bool no_catch_all = false;
};

absl::Status AddDomain(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::CreateDomainRequest request;
  request.set_request_id(NewRequestId());
  directory::v1::Domain& domain = *request.mutable_domain();
  domain.set_name(arguments.name);
  domain.set_kind(arguments.relay ? directory::v1::DOMAIN_KIND_RELAY : directory::v1::DOMAIN_KIND_LOCAL);
  if (arguments.separators) domain.set_subaddress_separators(*arguments.separators);
  domain.mutable_catch_all()->Assign(arguments.catch_all.begin(), arguments.catch_all.end());
  return Call(stub.get(), &Stub::CreateDomain, request).status();
}

absl::Status SetDomain(Context& context, const Arguments& arguments) {
  const bool catch_all = !arguments.catch_all.empty() || arguments.no_catch_all;
  if (!arguments.separators && !catch_all) return absl::InvalidArgumentError("nothing to set: see mailmesh domain set --help");
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::UpdateDomainRequest request;
  request.set_request_id(NewRequestId());
  request.set_name(arguments.name);
  if (arguments.separators) request.set_subaddress_separators(*arguments.separators);
  if (catch_all) {
    request.mutable_catch_all()->mutable_targets()->Assign(arguments.catch_all.begin(), arguments.catch_all.end());
  }
  return Call(stub.get(), &Stub::UpdateDomain, request).status();
}

absl::Status ListDomains(Context& context) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  Table table({"domain", "kind", "separators", "catch_all"});
  directory::v1::ListDomainsRequest request;
  do {
    ASSIGN_OR_RETURN(const auto page, Call(stub.get(), &Stub::ListDomains, request));
    for (const auto& domain : page.domains()) {
      table.AddRow({domain.name(), domain.kind() == directory::v1::DOMAIN_KIND_RELAY ? "relay" : "local",
                    domain.subaddress_separators(), absl::StrJoin(domain.catch_all(), " ")});
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

// Returns the option of the catch-all.
CLI::Option* AddSettings(CLI::App& command, Arguments& arguments) {
  command
      .add_option("--separators", arguments.separators,
                  "Characters that each part user and tag in user+tag@domain (+ if not said); \"\" for none")
      ->type_name("CHARS");
  return command.add_option("--catch-all", arguments.catch_all, "Addresses that get mail for users that are not there")
      ->type_name("ADDRESS");
}

}  // namespace

void AddDomainCommands(CLI::App& app) {
  auto* domain = app.add_subcommand("domain", "Domains whose mail this mesh takes")->require_subcommand(1);
  auto arguments = std::make_shared<Arguments>();
  auto* add = domain->add_subcommand("add", "Adds a domain");
  add->add_option("NAME", arguments->name, "The domain")->required();
  add->add_flag("--relay", arguments->relay, "Take mail for it from anyone and send it on by the domain's route");
  AddSettings(*add, *arguments);
  SetAction(add, [arguments](Context& context) { return AddDomain(context, *arguments); });
  auto* set = domain->add_subcommand("set", "Changes what a domain does with tags and with users that are not there");
  set->add_option("NAME", arguments->name, "The domain")->required();
  auto* no_catch_all = set->add_flag("--no-catch-all", arguments->no_catch_all, "Refuse mail for users that are not there");
  AddSettings(*set, *arguments)->excludes(no_catch_all);
  SetAction(set, [arguments](Context& context) { return SetDomain(context, *arguments); });
  SetAction(domain->add_subcommand("list", "Lists the domains"), ListDomains);
  auto* remove = domain->add_subcommand("delete", "Deletes a domain that has no accounts and no aliases");
  remove->add_option("NAME", arguments->name, "The domain")->required();
  SetAction(remove, [arguments](Context& context) { return DeleteDomain(context, arguments->name); });
}

}  // namespace mailmesh::cli
