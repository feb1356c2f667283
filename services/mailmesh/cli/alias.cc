#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "mailmesh/directory/v1/directory_admin_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

using directory::v1::DirectoryAdminService;
using Stub = DirectoryAdminService::Stub;

absl::Status SetAlias(Context& context, const std::string& address, const std::vector<std::string>& targets) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::SetAliasRequest request;
  request.set_request_id(NewRequestId());
  request.mutable_alias()->set_address(address);
  for (const std::string& target : targets) request.mutable_alias()->add_targets(target);
  return Call(stub.get(), &Stub::SetAlias, request).status();
}

absl::Status ListAliases(Context& context) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  Table table({"alias", "targets"});
  directory::v1::ListAliasesRequest request;
  do {
    ASSIGN_OR_RETURN(const auto page, Call(stub.get(), &Stub::ListAliases, request));
    for (const auto& alias : page.aliases()) table.AddRow({alias.address(), absl::StrJoin(alias.targets(), " ")});
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  std::cout << table.Format(context.output);
  return absl::OkStatus();
}

absl::Status DeleteAlias(Context& context, const std::string& address) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::DeleteAliasRequest request;
  request.set_request_id(NewRequestId());
  request.set_address(address);
  return Call(stub.get(), &Stub::DeleteAlias, request).status();
}

}  // namespace

void AddAliasCommands(CLI::App& app) {
  auto* alias = app.add_subcommand("alias", "Addresses that stand for others")->require_subcommand(1);
  auto address = std::make_shared<std::string>();
  auto targets = std::make_shared<std::vector<std::string>>();
  auto* add = alias->add_subcommand("add", "Sets the targets of an alias");
  add->add_option("ADDRESS", *address, "user@domain, or @domain for all that is not there")->required();
  add->add_option("TARGET", *targets, "Addresses that get the mail")->required();
  SetAction(add, [address, targets](Context& context) { return SetAlias(context, *address, *targets); });
  SetAction(alias->add_subcommand("list", "Lists the aliases"), ListAliases);
  auto* remove = alias->add_subcommand("delete", "Deletes an alias");
  remove->add_option("ADDRESS", *address, "The alias")->required();
  SetAction(remove, [address](Context& context) { return DeleteAlias(context, *address); });
}

}  // namespace mailmesh::cli
