#include <CLI/CLI.hpp>
#include <iostream>

#include "common/base/status.h"
#include "mailmesh/directory/v1/directory_admin_service.grpc.pb.h"
#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/end_sessions.h"

namespace mailmesh::cli {
namespace {

using directory::v1::DirectoryAdminService;
using mailbox::v1::MailboxService;
using Stub = DirectoryAdminService::Stub;

absl::Status CreateAccount(Context& context, const std::string& address, bool password_stdin) {
  ASSIGN_OR_RETURN(const std::string password, ReadSecret("Password for " + address, password_stdin));
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::CreateAccountRequest request;
  request.set_request_id(NewRequestId());
  request.set_address(address);
  request.set_password(password);
  ASSIGN_OR_RETURN(const auto response, Call(stub.get(), &Stub::CreateAccount, request));
  std::cout << FormatRecord({{"account_id", response.account().account_id()},
                             {"address", response.account().address()},
                             {"shard", response.account().shard()}},
                            context.output);
  return absl::OkStatus();
}

absl::Status ListAccounts(Context& context, const std::string& domain) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  Table table({"address", "account_id", "shard", "state", "created"});
  directory::v1::ListAccountsRequest request;
  request.set_domain(domain);
  do {
    ASSIGN_OR_RETURN(const auto page, Call(stub.get(), &Stub::ListAccounts, request));
    for (const auto& account : page.accounts()) {
      table.AddRow({account.address(), account.account_id(), account.shard(), account.disabled() ? "disabled" : "enabled",
                    FormatTime(account.created_seconds())});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  std::cout << table.Format(context.output);
  return absl::OkStatus();
}

// First out of the directory, so that no mail comes in any more and nobody logs in; then its mail is dropped.
absl::Status DeleteAccount(Context& context, const std::string& address) {
  ASSIGN_OR_RETURN(const AccountRef account, FindAccount(context, address));
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::DeleteAccountRequest request;
  request.set_request_id(NewRequestId());
  request.set_address(address);
  ASSIGN_OR_RETURN(const auto gone, Call(stub.get(), &Stub::DeleteAccount, request));
  const absl::Status ended = EndSessions(context, account.address);
  ASSIGN_OR_RETURN(const auto channel, context.ChannelToShard(gone.shard()));
  const auto store = MailboxService::NewStub(channel);
  mailbox::v1::DeleteAccountRequest drop;
  drop.set_request_id(NewRequestId());
  drop.set_account_id(gone.account_id());
  RETURN_IF_ERROR(Call<MailboxService::Stub>(store.get(), &MailboxService::Stub::DeleteAccount, drop).status());
  return ended;
}

// Who knew the old password only may be logged in: their sessions end, unless the operator wants them to go on.
absl::Status SetPassword(Context& context, const std::string& address, bool password_stdin, bool keep_sessions) {
  ASSIGN_OR_RETURN(const std::string password, ReadSecret("New password for " + address, password_stdin));
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::SetPasswordRequest request;
  request.set_request_id(NewRequestId());
  request.set_address(address);
  request.set_password(password);
  RETURN_IF_ERROR(Call(stub.get(), &Stub::SetPassword, request).status());
  if (keep_sessions) return absl::OkStatus();
  ASSIGN_OR_RETURN(const AccountRef account, FindAccount(context, address));
  return EndSessions(context, account.address);
}

absl::Status SetDisabled(Context& context, const std::string& address, bool disabled) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::SetAccountDisabledRequest request;
  request.set_request_id(NewRequestId());
  request.set_address(address);
  request.set_disabled(disabled);
  RETURN_IF_ERROR(Call(stub.get(), &Stub::SetAccountDisabled, request).status());
  if (!disabled) return absl::OkStatus();
  ASSIGN_OR_RETURN(const AccountRef account, FindAccount(context, address));
  return EndSessions(context, account.address);
}

}  // namespace

void AddAccountCommands(CLI::App& app) {
  auto* account = app.add_subcommand("account", "Users")->require_subcommand(1);
  struct Arguments {
    std::string address;
    std::string domain;
    bool password_stdin = false;
    bool keep_sessions = false;
  };
  auto arguments = std::make_shared<Arguments>();
  auto* create = account->add_subcommand("create", "Creates an account; asks for its password");
  create->add_option("ADDRESS", arguments->address, "Its address, also the name to log in with")->required();
  create->add_flag("--password-stdin", arguments->password_stdin, "Read the password from standard input");
  SetAction(create, [arguments](Context& context) {
    return CreateAccount(context, arguments->address, arguments->password_stdin);
  });
  auto* list = account->add_subcommand("list", "Lists the accounts");
  list->add_option("--domain", arguments->domain, "Only of this domain");
  SetAction(list, [arguments](Context& context) { return ListAccounts(context, arguments->domain); });
  auto* remove = account->add_subcommand("delete", "Deletes an account and all its mail, and ends its sessions");
  remove->add_option("ADDRESS", arguments->address, "Its address")->required();
  SetAction(remove, [arguments](Context& context) { return DeleteAccount(context, arguments->address); });
  auto* password = account->add_subcommand("password", "Sets the password of an account, and ends its sessions");
  password->add_option("ADDRESS", arguments->address, "Its address")->required();
  password->add_flag("--password-stdin", arguments->password_stdin, "Read the password from standard input");
  password->add_flag("--keep-sessions", arguments->keep_sessions, "Let the sessions that are logged in go on");
  SetAction(password, [arguments](Context& context) {
    return SetPassword(context, arguments->address, arguments->password_stdin, arguments->keep_sessions);
  });
  const auto add_switch = [&](const char* name, const char* help, bool disabled) {
    auto* command = account->add_subcommand(name, help);
    command->add_option("ADDRESS", arguments->address, "Its address")->required();
    SetAction(command,
              [arguments, disabled](Context& context) { return SetDisabled(context, arguments->address, disabled); });
  };
  add_switch("disable", "Refuses log-in and new mail for an account, and ends its sessions; its mail stays", true);
  add_switch("enable", "Takes a disabled account into use again", false);
  AddAccountEnsureCommand(*account);
  AddAccountImportCommand(*account);
  AddAccountQuotaCommand(*account);
}

}  // namespace mailmesh::cli
