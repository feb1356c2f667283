#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/status.h"
#include "mailmesh/relay/v1/queue_admin_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/tls_policies.h"

namespace mailmesh::cli {
namespace {

using relay::v1::QueueAdminService;
using Stub = QueueAdminService::Stub;

// Each relay process owns its spool: a queue is what all of them hold. `ask` is called for each; where it fails the others are asked all
// the same, and the first error says which relay it was.
template <class Ask>
absl::Status AskEach(Context& context, const Ask& ask) {
  ASSIGN_OR_RETURN(const std::vector<std::string> instances, context.Instances("outbound_relay"));
  absl::Status first;
  for (const std::string& instance : instances) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Stub> stub, Connect<QueueAdminService>(context, instance));
    const absl::Status status = ask(stub.get());
    if (!status.ok() && first.ok()) first = base::Annotate(status, instance);
  }
  return first;
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

// What --domain, --sender, --older-than, --all and ids on the line say.
struct Selection {
  std::vector<std::string> ids;
  std::string domain;
  std::string sender;
  std::string older_than;
  bool all = false;
  bool held = false;
};

absl::StatusOr<uint64_t> Seconds(const std::string& text) {
  if (text.empty()) return 0;
  absl::Duration age;
  // A day is what operators think in; absl knows hours at most.
  const bool days = absl::EndsWith(text, "d");
  if (!absl::ParseDuration(days ? absl::StrCat(text.substr(0, text.size() - 1), "h") : text, &age) || age <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(absl::StrCat("--older-than: \"", text, "\" is no time such as 90s, 30m, 12h or 2d"));
  }
  return static_cast<uint64_t>(absl::ToInt64Seconds(days ? age * 24 : age));
}

absl::StatusOr<relay::v1::QueueSelection> ToRequest(const Selection& selection) {
  relay::v1::QueueSelection request;
  for (const std::string& id : selection.ids) request.add_queue_ids(id);
  request.set_domain(selection.domain);
  request.set_sender(selection.sender);
  ASSIGN_OR_RETURN(const uint64_t seconds, Seconds(selection.older_than));
  request.set_older_than_seconds(seconds);
  request.set_all(selection.all);
  return request;
}

absl::Status ListQueue(Context& context, const Selection& selection) {
  ASSIGN_OR_RETURN(const uint64_t seconds, Seconds(selection.older_than));
  Table table({"queue_id", "sender", "recipients", "octets", "queued", "attempts", "next_attempt"});
  const absl::Status status = AskEach(context, [&](Stub* stub) -> absl::Status {
    relay::v1::ListQueueItemsRequest request;
    request.set_domain(selection.domain);
    request.set_sender(selection.sender);
    request.set_older_than_seconds(seconds);
    request.set_held(selection.held);
    do {
      ASSIGN_OR_RETURN(const auto page, Call(stub, &Stub::ListQueueItems, request));
      for (const auto& item : page.items()) {
        table.AddRow({item.queue_id(), absl::StrCat("<", item.reverse_path(), ">"), Recipients(item),
                      absl::StrCat(item.size_bytes()), FormatTime(item.queued_seconds()), absl::StrCat(item.attempts()),
                      item.held() ? "held" : FormatTime(item.next_attempt_seconds())});
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return absl::OkStatus();
  });
  std::cout << table.Format(context.output);
  return status;
}

void Print(Context& context, const relay::v1::QueueItem& item) {
  if (context.output == OutputFormat::kTable) {
    std::cout << FormatRecord({{"queue_id", item.queue_id()},
                               {"sender", absl::StrCat("<", item.reverse_path(), ">")},
                               {"octets", absl::StrCat(item.size_bytes())},
                               {"queued", FormatTime(item.queued_seconds())},
                               {"attempts", absl::StrCat(item.attempts())},
                               {"next_attempt", item.held() ? "held" : FormatTime(item.next_attempt_seconds())},
                               {"rerouted_to", item.next_hop().empty() ? "-" : item.next_hop()},
                               {"correlation_id", item.correlation_id()}},
                              context.output)
              << "\n";
  }
  Table table({"recipient", "state", "next_hop", "last_reply"});
  for (const auto& recipient : item.recipients()) {
    table.AddRow({recipient.forward_path(), NameOf(recipient.state()), recipient.next_hop(), recipient.last_reply()});
  }
  std::cout << table.Format(context.output);
}

absl::Status ShowItem(Context& context, const std::string& queue_id) {
  relay::v1::GetQueueItemRequest request;
  request.set_queue_id(queue_id);
  bool found = false;
  const absl::Status status = AskEach(context, [&](Stub* stub) -> absl::Status {
    const auto response = Call(stub, &Stub::GetQueueItem, request);
    if (absl::IsNotFound(response.status())) return absl::OkStatus();
    RETURN_IF_ERROR(response.status());
    found = true;
    Print(context, response->item());
    return absl::OkStatus();
  });
  if (found) return absl::OkStatus();
  RETURN_IF_ERROR(status);
  return absl::NotFoundError(absl::StrCat("no message ", queue_id, " in the queue"));
}

absl::Status Flush(Context& context, const std::string& queue_id, const std::string& domain) {
  uint64_t flushed = 0;
  relay::v1::FlushQueueRequest request;
  request.set_request_id(NewRequestId());
  request.set_queue_id(queue_id);
  request.set_domain(domain);
  const absl::Status status = AskEach(context, [&](Stub* stub) -> absl::Status {
    request.clear_page_token();
    do {
      const auto response = Call(stub, &Stub::FlushQueue, request);
      if (!queue_id.empty() && absl::IsNotFound(response.status())) break;
      RETURN_IF_ERROR(response.status());
      flushed += response->flushed();
      request.set_page_token(response->next_page_token());
    } while (!request.page_token().empty());
    return absl::OkStatus();
  });
  std::cout << FormatRecord({{"flushed", absl::StrCat(flushed)}}, context.output);
  return status;
}

// Calls one of Hold, Release, Delete, Reroute on every relay, page by page.
template <class Request, class Response>
absl::Status ChangeAll(Context& context, const Selection& selection, const std::string& word,
                       grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Request request) {
  ASSIGN_OR_RETURN(*request.mutable_selection(), ToRequest(selection));
  request.set_request_id(NewRequestId());
  uint64_t changed = 0;
  uint64_t busy = 0;
  const absl::Status status = AskEach(context, [&](Stub* stub) -> absl::Status {
    request.clear_page_token();
    do {
      ASSIGN_OR_RETURN(const auto page, Call(stub, method, request));
      changed += page.changed();
      busy += page.busy();
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return absl::OkStatus();
  });
  std::cout << FormatRecord({{word, absl::StrCat(changed)}, {"busy", absl::StrCat(busy)}}, context.output);
  RETURN_IF_ERROR(status);
  // A message that was named must have been there.
  if (!selection.ids.empty() && changed + busy < selection.ids.size()) {
    return absl::NotFoundError(absl::StrCat(selection.ids.size() - changed - busy, " of the messages named are not in the queue, or had nothing to change"));
  }
  if (busy > 0) return absl::AbortedError("some messages are being delivered at the moment; try again for those");
  return absl::OkStatus();
}

std::shared_ptr<Selection> AddSelection(CLI::App* command) {
  auto selection = std::make_shared<Selection>();
  command->add_option("QUEUE_ID", selection->ids, "These messages");
  command->add_option("--domain", selection->domain, "Messages with a recipient in this domain");
  command->add_option("--sender", selection->sender, "Messages from this address or domain; <> for notifications");
  command->add_option("--older-than", selection->older_than, "Messages that have been in the queue for longer: 90s, 30m, 12h, 2d");
  command->add_flag("--all", selection->all, "Every message");
  return selection;
}

void AddChangeCommands(CLI::App* queue) {
  auto* hold = queue->add_subcommand("hold", "Keeps messages in the queue without trying them");
  SetAction(hold, [selection = AddSelection(hold)](Context& context) {
    return ChangeAll(context, *selection, "held", &Stub::HoldQueueItems, relay::v1::HoldQueueItemsRequest());
  });
  auto* release = queue->add_subcommand("release", "Lets held messages go on");
  SetAction(release, [selection = AddSelection(release)](Context& context) {
    return ChangeAll(context, *selection, "released", &Stub::ReleaseQueueItems, relay::v1::ReleaseQueueItemsRequest());
  });
  auto* remove = queue->add_subcommand("delete", "Takes messages out of the queue; their senders are not told");
  auto notify = std::make_shared<bool>(false);
  remove->add_flag("--notify", *notify, "Tell the senders");
  SetAction(remove, [selection = AddSelection(remove), notify](Context& context) {
    relay::v1::DeleteQueueItemsRequest request;
    request.set_notify(*notify);
    return ChangeAll(context, *selection, "deleted", &Stub::DeleteQueueItems, request);
  });
  auto* reroute = queue->add_subcommand("reroute", "Sends messages by another server than their domain's");
  auto next_hop = std::make_shared<std::string>();
  auto tls = std::make_shared<directory::v1::TlsPolicy>(directory::v1::TLS_POLICY_OPPORTUNISTIC);
  auto* to = reroute->add_option("--to", *next_hop, "host:port of that server");
  auto back = std::make_shared<bool>(false);
  reroute->add_flag("--back", *back, "By their domain's way again")->excludes(to);
  reroute->add_option("--tls", *tls, "TLS: none, opportunistic (the default), required or verified")->transform(CLI::CheckedTransformer(TlsPolicies()));
  auto implicit_tls = std::make_shared<bool>(false);
  reroute->add_flag("--implicit-tls", *implicit_tls, "TLS from the first octet (RFC 8314: port 465) instead of STARTTLS");
  SetAction(reroute, [selection = AddSelection(reroute), next_hop, tls, implicit_tls, back](Context& context) {
    if (next_hop->empty() && !*back) return absl::InvalidArgumentError("--to HOST:PORT or --back is needed");
    relay::v1::RerouteQueueItemsRequest request;
    request.set_next_hop(*next_hop);
    request.set_tls_policy(*tls);
    request.set_implicit_tls(*implicit_tls);
    return ChangeAll(context, *selection, "rerouted", &Stub::RerouteQueueItems, request);
  });
}

}  // namespace

void AddQueueCommands(CLI::App& app) {
  auto* queue = app.add_subcommand("queue", "Mail that waits to go out")->require_subcommand(1);
  auto id = std::make_shared<std::string>();
  auto domain = std::make_shared<std::string>();
  auto* list = queue->add_subcommand("list", "Lists the queue");
  auto listed = std::make_shared<Selection>();
  list->add_option("--domain", listed->domain, "Only messages with a recipient in this domain");
  list->add_option("--sender", listed->sender, "Only messages from this address or domain; <> for notifications");
  list->add_option("--older-than", listed->older_than, "Only messages that have been in the queue for longer: 90s, 30m, 12h, 2d");
  list->add_flag("--held", listed->held, "Only held messages");
  SetAction(list, [listed](Context& context) { return ListQueue(context, *listed); });
  auto* show = queue->add_subcommand("show", "Shows one message, every recipient and the last replies");
  show->add_option("QUEUE_ID", *id, "The message")->required();
  SetAction(show, [id](Context& context) { return ShowItem(context, *id); });
  auto* flush = queue->add_subcommand("flush", "Tries deferred messages now");
  flush->add_option("QUEUE_ID", *id, "Only this message");
  flush->add_option("--domain", *domain, "Only messages with a recipient in this domain");
  SetAction(flush, [id, domain](Context& context) { return Flush(context, *id, *domain); });
  AddChangeCommands(queue);
}

}  // namespace mailmesh::cli
