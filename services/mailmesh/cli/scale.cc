// `mailmesh scale check`: whether shards and relays that are to go are empty. For a mesh whose processes are numbered, as a
// Kubernetes StatefulSet's are: what goes is what has the greatest numbers.
#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/base/status.h"
#include "mailmesh/directory/v1/directory_admin_service.grpc.pb.h"
#include "mailmesh/relay/v1/queue_admin_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/processes.h"

namespace mailmesh::cli {
namespace {

using directory::v1::DirectoryAdminService;
using relay::v1::QueueAdminService;

constexpr int kMostProcesses = 100'000;

struct Arguments {
  int shards = 0;
  int relays = 0;
  int relays_now = 0;
  std::string relay_address;
  bool pass_when_away = false;
};

// What would be lost from sight, in words with the commands that help.
struct Findings {
  Table table{{"what", "holds"}};
  std::vector<std::string> advice;
  bool answered = false;  // somebody was there to ask
  void Add(const std::string& what, const std::string& holds, std::string help) {
    table.AddRow({what, holds});
    advice.push_back(std::move(help));
  }
};

absl::Status CheckShards(Context& context, const Arguments& arguments, Findings& findings) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, context.ShardNames());
  findings.answered = true;
  std::map<std::string, int64_t> accounts;
  for (const std::string& name : names) {
    int number = 0;
    if (absl::SimpleAtoi(name, &number) && number >= arguments.shards) accounts[name] = 0;
  }
  if (accounts.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::ListAccountsRequest request;
  do {
    ASSIGN_OR_RETURN(const auto page, Call(stub.get(), &DirectoryAdminService::Stub::ListAccounts, request));
    for (const auto& account : page.accounts()) {
      if (const auto found = accounts.find(account.shard()); found != accounts.end()) ++found->second;
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  for (const auto& [name, count] : accounts) {
    if (count == 0) continue;
    findings.Add(absl::StrCat("shard ", name), absl::StrCat(count, " accounts"),
                 absl::StrCat("shard ", name, ": `mailmesh account list` shows whose mail it has. An account does not move to another shard by itself: "
                              "`mailmesh account disable ADDRESS` (or mail that comes meanwhile is lost), `mailmesh export ADDRESS FOLDER`, "
                              "`mailmesh account delete ADDRESS`, and when the shard is gone "
                              "`mailmesh account create ADDRESS`, `mailmesh import ADDRESS FOLDER`"));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> CountQueue(Context& context, const std::string& endpoint) {
  ASSIGN_OR_RETURN(const auto channel, context.ChannelToEndpoint("outbound_relay", endpoint));
  const auto stub = QueueAdminService::NewStub(channel);
  relay::v1::ListQueueItemsRequest request;
  uint64_t count = 0;
  do {
    ASSIGN_OR_RETURN(const auto page, Call(stub.get(), &QueueAdminService::Stub::ListQueueItems, request));
    count += static_cast<uint64_t>(page.items_size());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return count;
}

// From the first that goes on, to the last that there is said to be, or that has an address.
absl::Status CheckRelays(Context& context, const Arguments& arguments, Findings& findings) {
  if (arguments.relay_address.empty()) return absl::OkStatus();
  if (arguments.relay_address.find("{}") == std::string::npos) return absl::InvalidArgumentError("--relay-address has no {} for the number");
  for (int number = arguments.relays; number <= kMostProcesses; ++number) {
    const std::string endpoint = absl::StrReplaceAll(arguments.relay_address, {{"{}", absl::StrCat(number)}});
    ASSIGN_OR_RETURN(const bool has_address, HasAddress(endpoint));
    if (!has_address && number >= arguments.relays_now) return absl::OkStatus();
    if (!has_address) return absl::UnavailableError(absl::StrCat("relay ", number, " is away: ", endpoint, " has no address"));
    const absl::StatusOr<uint64_t> count = CountQueue(context, endpoint);
    if (!count.ok()) return base::Annotate(count.status(), absl::StrCat("relay ", number));
    findings.answered = true;
    if (*count == 0) continue;
    findings.Add(absl::StrCat("relay ", number), absl::StrCat(*count, " messages"),
                 absl::StrCat("relay ", number, ": `mailmesh queue list` shows what waits, `mailmesh queue flush` tries it now, "
                              "`mailmesh queue delete QUEUE_ID --notify` gives up a message"));
  }
  return absl::OkStatus();
}

absl::Status Check(Context& context, const Arguments& arguments) {
  Findings findings;
  // Both, whatever became of the other.
  const absl::Status shards = CheckShards(context, arguments, findings);
  const absl::Status relays = CheckRelays(context, arguments, findings);
  if (!findings.advice.empty()) {
    std::cout << findings.table.Format(context.output);
    // Lines of their own: an error is one line.
    std::cerr << absl::StrJoin(findings.advice, "\n") << "\n";
    return absl::FailedPreconditionError("what would go is not empty: empty it as said, or leave the numbers as they were");
  }
  const absl::Status& failed = shards.ok() ? relays : shards;
  // A mesh of which one role answers is there: what could not be asked may hold mail.
  if (absl::IsUnavailable(failed) && !findings.answered && arguments.pass_when_away) {
    std::cout << "nobody to ask: " << Printable(base::Message(failed)) << "\n";
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(failed);
  std::cout << "nothing is held beyond " << arguments.shards << " shards and " << arguments.relays << " relays\n";
  return absl::OkStatus();
}

}  // namespace

void AddScaleCommands(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  auto* scale = app.add_subcommand("scale", "Changes of the number of processes that own data")->require_subcommand(1);
  auto* check = scale->add_subcommand("check", "Refuses where shards or relays that are to go hold accounts or mail");
  check->add_option("--shards", arguments->shards, "Shards that stay: those named 0 to N-1")->required()->check(CLI::Range(0, kMostProcesses));
  check->add_option("--relays", arguments->relays, "Relays that stay: those numbered 0 to N-1")->required()->check(CLI::Range(0, kMostProcesses));
  check->add_option("--relay-address", arguments->relay_address, "host:port of a relay, with {} for its number; without it relays are not asked");
  check->add_option("--relays-now", arguments->relays_now, "Relays that there are; those beyond are asked as long as their name has an address");
  check->add_flag("--pass-when-away", arguments->pass_when_away, "Refuse nothing where the mesh cannot be reached");
  SetAction(check, [arguments](Context& context) { return Check(context, *arguments); });
}

}  // namespace mailmesh::cli
