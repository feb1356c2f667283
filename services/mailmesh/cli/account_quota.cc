// `mailmesh account quota`: what accounts use, and may use.
#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/units.h"
#include "mailmesh/mailbox/v1/store_admin_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/store_access.h"

namespace mailmesh::cli {
namespace {

using mailbox::v1::AccountQuota;
using mailbox::v1::QuotaLimit;
using mailbox::v1::StoreAdminService;
using Stub = StoreAdminService::Stub;

struct Arguments {
  std::string address;
  std::string octets;
  std::string messages;
};

// "none", "default", a number or a size.
absl::Status FillLimit(const std::string& text, const char* option, QuotaLimit* limit) {
  if (text == "none") {
    limit->set_unlimited(true);
    return absl::OkStatus();
  }
  if (text == "default") {
    limit->set_by_default(true);
    return absl::OkStatus();
  }
  const auto size = base::ParseSize(text);
  if (!size.ok()) return absl::InvalidArgumentError(absl::StrCat(option, ": ", text, " is no limit (500MiB, 10000, none, default)"));
  limit->set_at_most(*size);
  return absl::OkStatus();
}

std::string LimitText(bool has_limit, uint64_t limit, bool by_default) {
  return absl::StrCat(has_limit ? absl::StrCat(limit) : "none", by_default ? " (default)" : "");
}

void AddRow(const std::string& name, const AccountQuota& quota, Table& table) {
  table.AddRow({name, absl::StrCat(quota.used_octets()),
                LimitText(quota.has_limit_octets(), quota.limit_octets(), quota.octets_by_default()),
                absl::StrCat(quota.used_messages()),
                LimitText(quota.has_limit_messages(), quota.limit_messages(), quota.messages_by_default())});
}

absl::Status ListAll(Context& context, Table& table) {
  ASSIGN_OR_RETURN(const auto addresses, AddressesById(context));
  ASSIGN_OR_RETURN(const auto shards, context.ShardNames());
  for (const std::string& shard : shards) {
    ASSIGN_OR_RETURN(const auto channel, context.ChannelToShard(shard));
    const auto stub = StoreAdminService::NewStub(channel);
    mailbox::v1::ListQuotasRequest request;
    do {
      ASSIGN_OR_RETURN(const auto page, Call(stub.get(), &Stub::ListQuotas, request));
      for (const AccountQuota& quota : page.quotas()) {
        const auto address = addresses.find(quota.account_id());
        AddRow(address == addresses.end() ? quota.account_id() : address->second, quota, table);
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
  }
  return absl::OkStatus();
}

absl::Status OneAccount(Context& context, const Arguments& arguments, Table& table) {
  ASSIGN_OR_RETURN(const AccountStore store, OpenStore(context, arguments.address));
  if (arguments.octets.empty() && arguments.messages.empty()) {
    mailbox::v1::GetQuotaRequest request;
    request.set_account_id(store.account.account_id);
    ASSIGN_OR_RETURN(const auto response, Call(store.stub.get(), &StoreStub::GetQuota, request));
    AddRow(store.account.address, response.quota(), table);
    return absl::OkStatus();
  }
  mailbox::v1::SetQuotaRequest request;
  request.set_account_id(store.account.account_id);
  if (!arguments.octets.empty()) RETURN_IF_ERROR(FillLimit(arguments.octets, "--octets", request.mutable_octets()));
  if (!arguments.messages.empty()) RETURN_IF_ERROR(FillLimit(arguments.messages, "--messages", request.mutable_messages()));
  ASSIGN_OR_RETURN(const auto channel, context.ChannelToShard(store.account.shard));
  const auto stub = StoreAdminService::NewStub(channel);
  ASSIGN_OR_RETURN(const auto response, Call(stub.get(), &Stub::SetQuota, request));
  AddRow(store.account.address, response.quota(), table);
  return absl::OkStatus();
}

absl::Status Quota(Context& context, const Arguments& arguments) {
  if (arguments.address.empty() && !(arguments.octets.empty() && arguments.messages.empty())) {
    return absl::InvalidArgumentError("a limit is of one ADDRESS");
  }
  Table table({"account", "octets", "octets_limit", "messages", "messages_limit"});
  RETURN_IF_ERROR(arguments.address.empty() ? ListAll(context, table) : OneAccount(context, arguments, table));
  std::cout << table.Format(context.output);
  return absl::OkStatus();
}

}  // namespace

void AddAccountQuotaCommand(CLI::App& account) {
  auto arguments = std::make_shared<Arguments>();
  auto* quota = account.add_subcommand("quota", "Shows what accounts use and may use, or sets the limits of one");
  quota->add_option("ADDRESS", arguments->address, "The account; all if not given");
  quota->add_option("--octets", arguments->octets, "Limit of octets: 500MiB, none, or default (what the configuration says)");
  quota->add_option("--messages", arguments->messages, "Limit of messages: 10000, none, or default");
  SetAction(quota, [arguments](Context& context) { return Quota(context, *arguments); });
}

}  // namespace mailmesh::cli
