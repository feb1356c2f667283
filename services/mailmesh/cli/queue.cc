#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "mailmesh/relay/v1/queue_admin_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

using relay::v1::QueueAdminService;
using Stub = QueueAdminService::Stub;

// Each relay process owns its spool: a queue is what all of them hold.
absl::StatusOr<std::vector<std::unique_ptr<Stub>>> Connect(Context& context) {
  ASSIGN_OR_RETURN(const auto endpoints, context.GrpcEndpoints());
  std::vector<std::unique_ptr<Stub>> stubs;
  for (const auto& [instance, address] : endpoints) {
    if (!absl::StartsWith(instance, "outbound_relay")) continue;
    ASSIGN_OR_RETURN(const auto channel, context.ChannelTo(instance));
    stubs.push_back(QueueAdminService::NewStub(channel));
  }
  if (stubs.empty()) return absl::NotFoundError("this mesh has no outbound_relay");
  return stubs;
}

std::string NameOf(relay::v1::RecipientState state) {
  switch (state) {
    case relay::v1::RECIPIENT_STATE_DELIVERED:
      return "delivered";
    case relay::v1::RECIPIENT_STATE_BOUNCED:
      return "bounced";
    case relay::v1::RECIPIENT_STATE_HELD:
      return "held";
    default:
      return "queued";
  }
}

// The first recipient that is not done, and how many more there are.
std::string Recipients(const relay::v1::QueueItem& item) {
  std::string first;
  int waiting = 0;
  for (const auto& recipient : item.recipients()) {
    if (recipient.state() == relay::v1::RECIPIENT_STATE_DELIVERED || recipient.state() == relay::v1::RECIPIENT_STATE_BOUNCED) {
      continue;
    }
    if (waiting++ == 0) first = recipient.forward_path();
  }
  return waiting > 1 ? absl::StrCat(first, " +", waiting - 1) : first;
}

absl::Status ListQueue(Context& context, const std::string& domain) {
  ASSIGN_OR_RETURN(const auto stubs, Connect(context));
  Table table({"queue_id", "sender", "recipients", "octets", "queued", "attempts", "next_attempt"});
  for (const auto& stub : stubs) {
    relay::v1::ListQueueItemsRequest request;
    request.set_domain(domain);
    do {
      ASSIGN_OR_RETURN(const auto page, Call(stub.get(), &Stub::ListQueueItems, request));
      for (const auto& item : page.items()) {
        table.AddRow({item.queue_id(), absl::StrCat("<", item.reverse_path(), ">"), Recipients(item),
                      absl::StrCat(item.size_bytes()), FormatTime(item.queued_seconds()), absl::StrCat(item.attempts()),
                      FormatTime(item.next_attempt_seconds())});
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
  }
  std::cout << table.Format(context.output);
  return absl::OkStatus();
}

absl::Status ShowItem(Context& context, const std::string& queue_id) {
  ASSIGN_OR_RETURN(const auto stubs, Connect(context));
  relay::v1::GetQueueItemRequest request;
  request.set_queue_id(queue_id);
  for (const auto& stub : stubs) {
    const auto response = Call(stub.get(), &Stub::GetQueueItem, request);
    if (absl::IsNotFound(response.status())) continue;
    RETURN_IF_ERROR(response.status());
    const auto& item = response->item();
    if (context.output == OutputFormat::kTable) {
      std::cout << FormatRecord({{"queue_id", item.queue_id()},
                                 {"sender", absl::StrCat("<", item.reverse_path(), ">")},
                                 {"octets", absl::StrCat(item.size_bytes())},
                                 {"queued", FormatTime(item.queued_seconds())},
                                 {"attempts", absl::StrCat(item.attempts())},
                                 {"next_attempt", FormatTime(item.next_attempt_seconds())},
                                 {"correlation_id", item.correlation_id()}},
                                context.output)
                << "\n";
    }
    Table table({"recipient", "state", "next_hop", "last_reply"});
    for (const auto& recipient : item.recipients()) {
      table.AddRow({recipient.forward_path(), NameOf(recipient.state()), recipient.next_hop(), recipient.last_reply()});
    }
    std::cout << table.Format(context.output);
    return absl::OkStatus();
  }
  return absl::NotFoundError(absl::StrCat("no message ", queue_id, " in the queue"));
}

absl::Status Flush(Context& context, const std::string& queue_id, const std::string& domain) {
  ASSIGN_OR_RETURN(const auto stubs, Connect(context));
  uint64_t flushed = 0;
  relay::v1::FlushQueueRequest request;
  request.set_request_id(NewRequestId());
  request.set_queue_id(queue_id);
  request.set_domain(domain);
  for (const auto& stub : stubs) {
    const auto response = Call(stub.get(), &Stub::FlushQueue, request);
    if (!queue_id.empty() && absl::IsNotFound(response.status())) continue;
    RETURN_IF_ERROR(response.status());
    flushed += response->flushed();
  }
  std::cout << FormatRecord({{"flushed", absl::StrCat(flushed)}}, context.output);
  return absl::OkStatus();
}

}  // namespace

void AddQueueCommands(CLI::App& app) {
  auto* queue = app.add_subcommand("queue", "Mail that waits to go out")->require_subcommand(1);
  auto id = std::make_shared<std::string>();
  auto domain = std::make_shared<std::string>();
  auto* list = queue->add_subcommand("list", "Lists the queue");
  list->add_option("--domain", *domain, "Only messages with a recipient in this domain");
  SetAction(list, [domain](Context& context) { return ListQueue(context, *domain); });
  auto* show = queue->add_subcommand("show", "Shows one message, every recipient and the last replies");
  show->add_option("QUEUE_ID", *id, "The message")->required();
  SetAction(show, [id](Context& context) { return ShowItem(context, *id); });
  auto* flush = queue->add_subcommand("flush", "Tries deferred messages now");
  flush->add_option("QUEUE_ID", *id, "Only this message");
  flush->add_option("--domain", *domain, "Only messages with a recipient in this domain");
  SetAction(flush, [id, domain](Context& context) { return Flush(context, *id, *domain); });
}

}  // namespace mailmesh::cli
