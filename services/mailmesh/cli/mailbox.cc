#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

using mailbox::v1::MailboxService;
using Stub = MailboxService::Stub;

absl::Status AddRows(Stub* stub, const std::string& account_id, const mailbox::v1::ListMailboxesResponse& page,
                     Table& table) {
  mailbox::v1::GetMailboxStatusRequest request;
  request.set_account_id(account_id);
  for (const auto& box : page.mailboxes()) request.add_mailboxes(box.name());
  ASSIGN_OR_RETURN(const auto response, Call(stub, &Stub::GetMailboxStatus, request));
  for (int i = 0; i < page.mailboxes_size() && i < response.statuses_size(); ++i) {
    const auto& status = response.statuses(i);
    table.AddRow({page.mailboxes(i).name(), absl::StrCat(status.messages()), absl::StrCat(status.unseen()),
                  absl::StrCat(status.size_bytes()), absl::StrCat(status.uid_next()), absl::StrCat(status.uid_validity()),
                  page.mailboxes(i).subscribed() ? "yes" : "no", page.mailboxes(i).special_use()});
  }
  return absl::OkStatus();
}

absl::Status ListMailboxes(Context& context, const std::string& address) {
  ASSIGN_OR_RETURN(const AccountRef account, FindAccount(context, address));
  ASSIGN_OR_RETURN(const auto channel, context.ChannelToShard(account.shard));
  const auto stub = MailboxService::NewStub(channel);
  Table table({"mailbox", "messages", "unseen", "octets", "uid_next", "uid_validity", "subscribed", "special_use"});
  mailbox::v1::ListMailboxesRequest request;
  request.set_account_id(account.account_id);
  request.set_page_size(500);
  do {
    ASSIGN_OR_RETURN(const auto page, Call(stub.get(), &Stub::ListMailboxes, request));
    RETURN_IF_ERROR(AddRows(stub.get(), account.account_id, page, table));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  std::cout << table.Format(context.output);
  return absl::OkStatus();
}

}  // namespace

void AddMailboxCommands(CLI::App& app) {
  auto* box = app.add_subcommand("mailbox", "Mailboxes of an account")->require_subcommand(1);
  auto address = std::make_shared<std::string>();
  auto* list = box->add_subcommand("list", "Lists an account's mailboxes with their counters");
  list->add_option("ADDRESS", *address, "The account")->required();
  SetAction(list, [address](Context& context) { return ListMailboxes(context, *address); });
}

}  // namespace mailmesh::cli
