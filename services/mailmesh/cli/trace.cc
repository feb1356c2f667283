// `mailmesh trace`: what became of one message, from the logs of all roles, the relay's queue and the stores.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "mailmesh/directory/v1/directory_service.grpc.pb.h"
#include "mailmesh/relay/v1/queue_admin_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/log_search.h"
#include "services/mailmesh/cli/mailbox_reader.h"
#include "services/mailmesh/up/log_files.h"

namespace mailmesh::cli {
namespace {

using directory::v1::DirectoryService;
using relay::v1::QueueAdminService;

struct Arguments {
  std::string id;
  std::vector<std::string> logs;
};

// The files that are named; of a folder, the logs in it. Nothing named: what `mailmesh up` keeps.
std::vector<std::string> LogFiles(const Context& context, const Arguments& arguments) {
  std::vector<std::string> files;
  std::vector<std::string> places = arguments.logs;
  if (places.empty() && !context.dir.empty()) places.push_back(context.dir + "/log");
  for (const std::string& place : places) {
    if (!std::filesystem::is_directory(place)) {
      files.push_back(place);
      continue;
    }
    for (std::string& file : up::ListLogFiles(place)) files.push_back(std::move(file));
  }
  return files;
}

std::string NameOf(relay::v1::RecipientState state) {
  std::string name = relay::v1::RecipientState_Name(state);
  constexpr std::string_view kPrefix = "RECIPIENT_STATE_";
  if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

// Adds what a relay still knows of these ids. A message that is done is in no queue.
absl::Status AddQueueRows(Context& context, const std::set<std::string>& ids, Table& table) {
  ASSIGN_OR_RETURN(const auto relays, context.Instances("outbound_relay"));
  for (const std::string& relay : relays) {
    ASSIGN_OR_RETURN(const auto stub, Connect<QueueAdminService>(context, relay));
    for (const std::string& id : ids) {
      relay::v1::GetQueueItemRequest request;
      request.set_queue_id(id);
      const auto response = Call<QueueAdminService::Stub>(stub.get(), &QueueAdminService::Stub::GetQueueItem, request);
      if (absl::IsNotFound(response.status()) || absl::IsInvalidArgument(response.status())) continue;
      RETURN_IF_ERROR(base::Annotate(response.status(), relay));
      const auto& item = response->item();
      for (const auto& recipient : item.recipients()) {
        table.AddRow({id, recipient.forward_path(), NameOf(recipient.state()), FormatTime(item.next_attempt_seconds()),
                      recipient.last_reply()});
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<directory::v1::Account> AccountById(Context& context, const std::string& id) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryService>(context, "directory"));
  directory::v1::GetAccountRequest request;
  request.set_account_id(id);
  ASSIGN_OR_RETURN(const auto response, Call<DirectoryService::Stub>(stub.get(), &DirectoryService::Stub::GetAccount, request));
  return response.account();
}

// Whether the message is still where it was stored.
absl::StatusOr<bool> IsThere(Context& context, const directory::v1::Account& account, const std::string& mailbox_id,
                             const std::string& uid) {
  uint32_t number = 0;
  if (!absl::SimpleAtoi(uid, &number)) return false;
  ASSIGN_OR_RETURN(const auto channel, context.ChannelToShard(account.shard()));
  const auto stub = mailbox::v1::MailboxService::NewStub(channel);
  mailbox::v1::FetchSummariesRequest request;
  request.set_account_id(account.account_id());
  request.set_mailbox_id(mailbox_id);
  request.mutable_uids()->add_first(number);
  request.mutable_uids()->add_last(number);
  request.set_size(true);
  const auto call = NewCall();
  const auto stream = stub->FetchSummaries(call.get(), request);
  mailbox::v1::FetchSummariesResponse response;
  bool there = false;
  while (stream->Read(&response)) there = there || response.summaries_size() > 0;
  const absl::Status status = FromGrpc(stream->Finish());
  if (absl::IsNotFound(status)) return false;  // the mailbox is gone
  RETURN_IF_ERROR(status);
  return there;
}

// Each copy that a store's log tells of, and whether it is still in its mailbox: users move and delete.
absl::Status AddCopyRows(Context& context, const std::vector<LogLine>& lines, Table& table) {
  for (const LogLine& line : lines) {
    if (line.message != "message stored") continue;
    const std::string account_id(LogField(line.text, "account")), mailbox(LogField(line.text, "mailbox"));
    const std::string uid(LogField(line.text, "uid")), message_id(LogField(line.text, "message_id"));
    const auto account = AccountById(context, account_id);
    if (absl::IsNotFound(account.status())) {
      table.AddRow({account_id, mailbox, uid, message_id, "account deleted"});
      continue;
    }
    RETURN_IF_ERROR(account.status());
    ASSIGN_OR_RETURN(const bool there, IsThere(context, *account, mailbox, uid));
    table.AddRow({account->address(), mailbox, uid, message_id, there ? "there" : "moved or removed"});
  }
  return absl::OkStatus();
}

void Print(const Context& context, const Table& events, const Table& queue, const Table& copies) {
  if (context.output == OutputFormat::kJson) {
    std::cout << "{\"events\": " << events.Format(context.output) << ", \"queue\": " << queue.Format(context.output)
              << ", \"copies\": " << copies.Format(context.output) << "}\n";
    return;
  }
  std::cout << events.Format(context.output);
  if (!queue.empty()) std::cout << "\nin the queue:\n" << queue.Format(context.output);
  if (!copies.empty()) std::cout << "\nstored copies:\n" << copies.Format(context.output);
}

absl::Status Trace(Context& context, const Arguments& arguments) {
  const std::vector<std::string> files = LogFiles(context, arguments);
  if (files.empty()) {
    return absl::NotFoundError(
        "no logs: --dir names a mesh started by `mailmesh up`; else give the roles' log files with --log");
  }
  LogSearch search(arguments.id);
  RETURN_IF_ERROR(search.Run(files));
  Table events({"time", "role", "level", "event", "details"});
  for (const LogLine& line : search.lines()) events.AddRow({line.time, line.service, line.level, line.message, line.fields});
  Table queue({"queue_id", "recipient", "state", "next_attempt", "last_reply"});
  Table copies({"account", "mailbox_id", "uid", "message_id", "state"});
  absl::Status status = AddQueueRows(context, search.ids(), queue);
  if (status.ok()) status = AddCopyRows(context, search.lines(), copies);
  Print(context, events, queue, copies);
  RETURN_IF_ERROR(status);
  if (search.truncated()) return absl::ResourceExhaustedError(absl::StrCat("more than ", LogSearch::kMaxLines, " lines"));
  if (events.empty() && queue.empty()) {
    return absl::NotFoundError(absl::StrCat(arguments.id, " is in no log and in no queue"));
  }
  return absl::OkStatus();
}

}  // namespace

void AddTraceCommand(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  auto* trace = app.add_subcommand("trace", "Shows what became of one message: log lines of all roles, queue, stored copies");
  trace->add_option("ID", arguments->id,
                    "The id in the reply to its sender and in its Received field (correlation id), or a queue id")
      ->required()
      ->check([](const std::string& id) { return id.size() < 6 ? "an id has at least 6 characters" : ""; });
  trace->add_option("--log", arguments->logs, "Log files of the roles, or folders with them; else those of the mesh given by --dir")
      ->check(CLI::ExistingPath);
  SetAction(trace, [arguments](Context& context) { return Trace(context, *arguments); });
}

}  // namespace mailmesh::cli
