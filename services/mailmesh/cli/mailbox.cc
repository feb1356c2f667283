#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/store_access.h"

namespace mailmesh::cli {
namespace {

using mailbox::v1::MailboxStatus;

struct Arguments {
  std::string address;
  std::string mailbox;
  std::string to;
  std::string special_use;
  bool subscribe = false;
};

absl::StatusOr<MailboxStatus> StatusOf(const AccountStore& store, const std::string& mailbox) {
  mailbox::v1::GetMailboxStatusRequest request;
  request.set_account_id(store.account.account_id);
  request.add_mailboxes(mailbox);
  ASSIGN_OR_RETURN(auto response, Call(store.stub.get(), &StoreStub::GetMailboxStatus, request));
  if (response.statuses_size() != 1 || response.statuses(0).mailbox_id().empty()) {
    return absl::NotFoundError(absl::StrCat("no mailbox ", mailbox, " in ", store.account.address));
  }
  return std::move(*response.mutable_statuses(0));
}

absl::Status AddRows(const AccountStore& store, const mailbox::v1::ListMailboxesResponse& page, Table& table) {
  mailbox::v1::GetMailboxStatusRequest request;
  request.set_account_id(store.account.account_id);
  for (const auto& box : page.mailboxes()) request.add_mailboxes(box.name());
  ASSIGN_OR_RETURN(const auto response, Call(store.stub.get(), &StoreStub::GetMailboxStatus, request));
  for (int i = 0; i < page.mailboxes_size() && i < response.statuses_size(); ++i) {
    const auto& status = response.statuses(i);
    table.AddRow({page.mailboxes(i).name(), absl::StrCat(status.messages()), absl::StrCat(status.unseen()),
                  absl::StrCat(status.size_bytes()), absl::StrCat(status.uid_next()), absl::StrCat(status.uid_validity()),
                  FormatTime(status.last_arrival_time().seconds()), page.mailboxes(i).subscribed() ? "yes" : "no", page.mailboxes(i).special_use()});
  }
  return absl::OkStatus();
}

absl::Status ListMailboxes(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const AccountStore store, OpenStore(context, arguments.address));
  Table table({"mailbox", "messages", "unseen", "octets", "uid_next", "uid_validity", "last_arrival", "subscribed", "special_use"});
  mailbox::v1::ListMailboxesRequest request;
  request.set_account_id(store.account.account_id);
  request.set_page_size(500);
  do {
    ASSIGN_OR_RETURN(const auto page, Call(store.stub.get(), &StoreStub::ListMailboxes, request));
    RETURN_IF_ERROR(AddRows(store, page, table));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  std::cout << table.Format(context.output);
  return absl::OkStatus();
}

absl::Status ShowStatus(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const AccountStore store, OpenStore(context, arguments.address));
  ASSIGN_OR_RETURN(const MailboxStatus status, StatusOf(store, arguments.mailbox));
  std::cout << FormatRecord({{"mailbox", status.mailbox()},
                             {"mailbox_id", status.mailbox_id()},
                             {"messages", absl::StrCat(status.messages())},
                             {"unseen", absl::StrCat(status.unseen())},
                             {"recent", absl::StrCat(status.recent())},
                             {"deleted", absl::StrCat(status.deleted())},
                             {"octets", absl::StrCat(status.size_bytes())},
                             {"uid_next", absl::StrCat(status.uid_next())},
                             {"uid_validity", absl::StrCat(status.uid_validity())},
                             {"highest_modseq", absl::StrCat(status.highest_modseq())},
                             {"last_arrival", FormatTime(status.last_arrival_time().seconds())}},
                            context.output);
  return absl::OkStatus();
}

absl::Status CreateMailbox(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const AccountStore store, OpenStore(context, arguments.address));
  mailbox::v1::CreateMailboxRequest request;
  request.set_request_id(NewRequestId());
  request.set_account_id(store.account.account_id);
  request.set_mailbox(arguments.mailbox);
  request.set_special_use(arguments.special_use);
  ASSIGN_OR_RETURN(const auto created, Call(store.stub.get(), &StoreStub::CreateMailbox, request));
  if (arguments.subscribe) {
    mailbox::v1::SetSubscriptionRequest subscribe;
    subscribe.set_request_id(NewRequestId());
    subscribe.set_account_id(store.account.account_id);
    subscribe.set_mailbox(arguments.mailbox);
    subscribe.set_subscribed(true);
    RETURN_IF_ERROR(Call(store.stub.get(), &StoreStub::SetSubscription, subscribe).status());
  }
  std::cout << FormatRecord(
      {{"mailbox_id", created.mailbox_id()}, {"uid_validity", absl::StrCat(created.uid_validity())}}, context.output);
  return absl::OkStatus();
}

absl::Status DeleteMailbox(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const AccountStore store, OpenStore(context, arguments.address));
  mailbox::v1::DeleteMailboxRequest request;
  request.set_request_id(NewRequestId());
  request.set_account_id(store.account.account_id);
  request.set_mailbox(arguments.mailbox);
  return Call(store.stub.get(), &StoreStub::DeleteMailbox, request).status();
}

absl::Status RenameMailbox(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const AccountStore store, OpenStore(context, arguments.address));
  mailbox::v1::RenameMailboxRequest request;
  request.set_request_id(NewRequestId());
  request.set_account_id(store.account.account_id);
  request.set_from(arguments.mailbox);
  request.set_to(arguments.to);
  return Call(store.stub.get(), &StoreStub::RenameMailbox, request).status();
}

}  // namespace

void AddMailboxCommands(CLI::App& app) {
  auto* box = app.add_subcommand("mailbox", "Mailboxes of an account")->require_subcommand(1);
  auto arguments = std::make_shared<Arguments>();
  const auto add = [&](const char* name, const char* help, absl::Status (*run)(Context&, const Arguments&)) {
    auto* command = box->add_subcommand(name, help);
    command->add_option("ADDRESS", arguments->address, "The account")->required();
    SetAction(command, [arguments, run](Context& context) { return run(context, *arguments); });
    return command;
  };
  const auto add_name = [&](CLI::App* command, const char* help) {
    command->add_option("MAILBOX", arguments->mailbox, help)->required();
  };
  add("list", "Lists an account's mailboxes with their counters", ListMailboxes);
  add_name(add("status", "Shows one mailbox and its counters", ShowStatus), "Its name in UTF-8, / between levels");
  auto* create = add("create", "Creates a mailbox, and what is missing above it", CreateMailbox);
  add_name(create, "Its name in UTF-8, / between levels");
  create->add_option("--special-use", arguments->special_use, "What it is for (RFC 6154)")
      ->check(CLI::IsMember({"Archive", "Drafts", "Junk", "Sent", "Trash"}));
  create->add_flag("--subscribe", arguments->subscribe, "Also subscribes to it");
  add_name(add("delete", "Deletes a mailbox and its messages; children stay", DeleteMailbox), "Its name");
  auto* rename = add("rename", "Renames a mailbox and its children; of INBOX, the messages move", RenameMailbox);
  add_name(rename, "Its name");
  rename->add_option("NEW_NAME", arguments->to, "The new name")->required();
}

}  // namespace mailmesh::cli
