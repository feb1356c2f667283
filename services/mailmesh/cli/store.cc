// `mailmesh store verify`: reads all that the stores have and compares it.
#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "mailmesh/mailbox/v1/store_admin_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/progress.h"
#include "services/mailmesh/cli/store_access.h"

namespace mailmesh::cli {
namespace {

using mailbox::v1::StoreAdminService;
using mailbox::v1::VerifyFinding;
using mailbox::v1::VerifyProgress;

// A store may be large: reading it is rate-limited.
constexpr int kVerifySeconds = 7 * 24 * 3600;

struct Arguments {
  std::string address;
  std::string shard;
  bool contents = false;
  bool repair = false;
};

struct Sums {
  uint64_t accounts = 0, mailboxes = 0, messages = 0, contents = 0, findings = 0, repaired = 0;
};

std::string NameOf(VerifyFinding::Kind kind) {
  return absl::AsciiStrToLower(absl::StripPrefix(VerifyFinding::Kind_Name(kind), "KIND_"));
}

absl::Status VerifyShard(Context& context, const std::string& shard, const std::string& account_id, const Arguments& arguments,
                         const std::map<std::string, std::string>& addresses, Table& table, Sums& sums) {
  ASSIGN_OR_RETURN(const auto channel, context.ChannelToShard(shard));
  const auto stub = StoreAdminService::NewStub(channel);
  mailbox::v1::VerifyStoreRequest request;
  request.set_account_id(account_id);
  request.set_contents(arguments.contents);
  request.set_repair(arguments.repair);
  const auto call = NewCall(kVerifySeconds);
  const auto stream = stub->VerifyStore(call.get(), request);
  Progress progress("verifying");
  progress.Begin(absl::StrCat("shard ", shard), 0);
  VerifyProgress last;
  mailbox::v1::VerifyStoreResponse response;
  bool ended = false;
  while (stream->Read(&response)) {
    if (response.has_finding()) {
      const VerifyFinding& finding = response.finding();
      const auto address = addresses.find(finding.account_id());
      table.AddRow({shard, NameOf(finding.kind()), address == addresses.end() ? finding.account_id() : address->second,
                    finding.mailbox(), finding.uid() == 0 ? "" : absl::StrCat(finding.uid()), finding.detail(),
                    finding.repaired() ? "yes" : "no"});
      continue;
    }
    const VerifyProgress& now = response.has_summary() ? response.summary() : response.progress();
    progress.Add(now.messages() - last.messages(), now.content_bytes() - last.content_bytes());
    ended = response.has_summary();
    last = now;
  }
  RETURN_IF_ERROR(base::Annotate(FromGrpc(stream->Finish()), absl::StrCat("shard ", shard)));
  if (!ended) return absl::InternalError(absl::StrCat("shard ", shard, " ended without a summary"));
  sums.accounts += last.accounts();
  sums.mailboxes += last.mailboxes();
  sums.messages += last.messages();
  sums.contents += last.contents();
  sums.findings += last.findings();
  sums.repaired += last.repaired();
  return absl::OkStatus();
}

absl::Status Verify(Context& context, const Arguments& arguments) {
  std::vector<std::string> shards;
  std::string account_id;
  if (!arguments.address.empty()) {
    ASSIGN_OR_RETURN(const AccountRef account, FindAccount(context, arguments.address));
    account_id = account.account_id;
    shards = {account.shard};
  } else if (!arguments.shard.empty()) {
    shards = {arguments.shard};
  } else {
    ASSIGN_OR_RETURN(shards, context.ShardNames());
  }
  ASSIGN_OR_RETURN(const auto addresses, AddressesById(context));
  Table findings({"shard", "finding", "account", "mailbox", "uid", "detail", "repaired"});
  Sums sums;
  for (const std::string& shard : shards) {
    RETURN_IF_ERROR(VerifyShard(context, shard, account_id, arguments, addresses, findings, sums));
  }
  const std::string summary = FormatRecord({{"accounts", absl::StrCat(sums.accounts)},
                                            {"mailboxes", absl::StrCat(sums.mailboxes)},
                                            {"messages", absl::StrCat(sums.messages)},
                                            {"contents", absl::StrCat(sums.contents)},
                                            {"findings", absl::StrCat(sums.findings)},
                                            {"repaired", absl::StrCat(sums.repaired)}},
                                           context.output);
  if (context.output == OutputFormat::kJson) {
    std::cout << "{\"findings\": " << findings.Format(context.output) << ", \"summary\": " << summary << "}\n";
  } else {
    if (!findings.empty()) std::cout << findings.Format(context.output) << "\n";
    std::cout << summary;
  }
  if (sums.findings == sums.repaired) return absl::OkStatus();
  return absl::DataLossError(arguments.repair ? "not everything could be repaired" : "the store is not as it should be");
}

}  // namespace

void AddStoreCommands(CLI::App& app) {
  auto* store = app.add_subcommand("store", "The mailbox stores themselves")->require_subcommand(1);
  auto arguments = std::make_shared<Arguments>();
  auto* verify = store->add_subcommand(
      "verify", "Reads everything and compares entries, summaries, references, counters and quota; works while the store serves");
  verify->add_option("--account", arguments->address, "Only this account (its address)");
  verify->add_option("--shard", arguments->shard, "Only this shard");
  verify->add_flag("--contents", arguments->contents, "Reads the messages' contents too, and compares their digests");
  verify->add_flag("--repair", arguments->repair, "Writes anew what can be derived");
  SetAction(verify, [arguments](Context& context) { return Verify(context, *arguments); });
}

}  // namespace mailmesh::cli
