#include "services/outbound_relay/queue_admin_service.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "common/base/status.h"
#include "common/mime/header.h"
#include "common/net/endpoint.h"
#include "common/telemetry/log.h"

namespace mailmesh::outbound_relay {
namespace {

constexpr size_t kPage = 500;
constexpr size_t kMaxHeader = 64 * 1024;

relay::v1::RecipientState StateOf(const Item& item, const Recipient& recipient) {
  switch (recipient.state()) {
    case Recipient::STATE_DELIVERED:
      return relay::v1::RECIPIENT_STATE_DELIVERED;
    case Recipient::STATE_BOUNCED:
      return relay::v1::RECIPIENT_STATE_BOUNCED;
    default:
      return item.held() ? relay::v1::RECIPIENT_STATE_HELD : relay::v1::RECIPIENT_STATE_QUEUED;
  }
}

relay::v1::QueueSelection SelectionOf(const relay::v1::ListQueueItemsRequest& request) {
  relay::v1::QueueSelection selection;
  selection.set_domain(request.domain());
  selection.set_sender(request.sender());
  selection.set_older_than_seconds(request.older_than_seconds());
  return selection;
}

void Fill(const QueueId& id, const Item& item, relay::v1::QueueItem& out) {
  out.set_queue_id(id);
  out.set_reverse_path(item.reverse_path());
  out.set_size_bytes(item.trace_fields().size() + item.body_bytes());
  out.set_queued_seconds(item.queued_ms() / 1000);
  out.set_next_attempt_seconds(item.next_attempt_ms() / 1000);
  out.set_attempts(item.attempts());
  out.set_correlation_id(item.correlation_id());
  out.set_held(item.held());
  out.set_next_hop(item.reroute_next_hop());
  for (const auto& stored : item.recipients()) {
    relay::v1::QueueItemRecipient* recipient = out.add_recipients();
    recipient->set_forward_path(stored.forward_path());
    recipient->set_last_reply(stored.last_reply());
    recipient->set_next_hop(stored.last_next_hop());
    recipient->set_state(StateOf(item, stored));
  }
}

}  // namespace

grpc::ServerUnaryReactor* QueueAdminServiceImpl::ListQueueItems(grpc::CallbackServerContext* context,
                                                                const relay::v1::ListQueueItemsRequest* request,
                                                                relay::v1::ListQueueItemsResponse* response) {
  return rpc::HandleUnaryOnPool(context, *relay_.spool_pool, request, response, this, &QueueAdminServiceImpl::DoList);
}

grpc::ServerUnaryReactor* QueueAdminServiceImpl::GetQueueItem(grpc::CallbackServerContext* context,
                                                              const relay::v1::GetQueueItemRequest* request,
                                                              relay::v1::GetQueueItemResponse* response) {
  return rpc::HandleUnaryOnPool(context, *relay_.spool_pool, request, response, this, &QueueAdminServiceImpl::DoGet);
}

grpc::ServerUnaryReactor* QueueAdminServiceImpl::FlushQueue(grpc::CallbackServerContext* context,
                                                            const relay::v1::FlushQueueRequest* request,
                                                            relay::v1::FlushQueueResponse* response) {
  return rpc::HandleUnaryOnPool(context, *relay_.admin_pool, request, response, this, &QueueAdminServiceImpl::DoFlush);
}

absl::Status QueueAdminServiceImpl::DoList(const rpc::CallInfo&, const relay::v1::ListQueueItemsRequest& request,
                                           relay::v1::ListQueueItemsResponse& response) {
  const size_t limit = request.page_size() > 0 ? std::min<size_t>(static_cast<size_t>(request.page_size()), kPage) : kPage;
  const relay::v1::QueueSelection selection = SelectionOf(request);
  // A page may be short, or empty, where not all are asked for: the token says whether there is more.
  ASSIGN_OR_RETURN(const auto items, relay_.spool->List(request.page_token(), limit));
  for (const auto& [id, item] : items) {
    if (request.held() && !item.held()) continue;
    if (Matches(selection, id, item, relay_.NowMs())) Fill(id, item, *response.add_items());
  }
  if (items.size() == limit) response.set_next_page_token(items.back().first);
  return absl::OkStatus();
}

absl::Status QueueAdminServiceImpl::DoGet(const rpc::CallInfo&, const relay::v1::GetQueueItemRequest& request,
                                          relay::v1::GetQueueItemResponse& response) {
  ASSIGN_OR_RETURN(const Item item, relay_.spool->Read(request.queue_id()));
  Fill(request.queue_id(), item, *response.mutable_item());
  std::string octets = item.trace_fields();
  if (item.body_bytes() > 0) {
    ASSIGN_OR_RETURN(const std::string chunk, relay_.spool->ReadChunk(item.body_id(), 0));
    octets += chunk;
  }
  response.set_header(octets.substr(0, std::min(mime::FindHeaderEnd(octets), kMaxHeader)));
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* QueueAdminServiceImpl::HoldQueueItems(grpc::CallbackServerContext* context,
                                                                const relay::v1::HoldQueueItemsRequest* request,
                                                                relay::v1::HoldQueueItemsResponse* response) {
  return rpc::HandleUnaryOnPool(context, *relay_.admin_pool, request, response, this, &QueueAdminServiceImpl::DoHold);
}

grpc::ServerUnaryReactor* QueueAdminServiceImpl::ReleaseQueueItems(grpc::CallbackServerContext* context,
                                                                   const relay::v1::ReleaseQueueItemsRequest* request,
                                                                   relay::v1::ReleaseQueueItemsResponse* response) {
  return rpc::HandleUnaryOnPool(context, *relay_.admin_pool, request, response, this, &QueueAdminServiceImpl::DoRelease);
}

grpc::ServerUnaryReactor* QueueAdminServiceImpl::DeleteQueueItems(grpc::CallbackServerContext* context,
                                                                  const relay::v1::DeleteQueueItemsRequest* request,
                                                                  relay::v1::DeleteQueueItemsResponse* response) {
  return rpc::HandleUnaryOnPool(context, *relay_.admin_pool, request, response, this, &QueueAdminServiceImpl::DoDelete);
}

grpc::ServerUnaryReactor* QueueAdminServiceImpl::RerouteQueueItems(grpc::CallbackServerContext* context,
                                                                   const relay::v1::RerouteQueueItemsRequest* request,
                                                                   relay::v1::RerouteQueueItemsResponse* response) {
  return rpc::HandleUnaryOnPool(context, *relay_.admin_pool, request, response, this, &QueueAdminServiceImpl::DoReroute);
}

template <class Request, class Response>
absl::Status QueueAdminServiceImpl::Apply(const char* word, const rpc::CallInfo& info, const Request& request, Response& response,
                                          const Change& change) {
  ASSIGN_OR_RETURN(const ChangeResult result, ChangeItems(relay_, scheduler_, request.selection(), request.page_token(), change));
  telemetry::Info("queue changed", {info.trace,
                                    {"what", word},
                                    {"changed", result.changed},
                                    {"busy", result.busy},
                                    {"domain", request.selection().domain()},
                                    {"sender", request.selection().sender()},
                                    {"ids", static_cast<uint64_t>(request.selection().queue_ids_size())}});
  response.set_changed(result.changed);
  response.set_busy(result.busy);
  response.set_next_page_token(result.next_page_token);
  return absl::OkStatus();
}

absl::Status QueueAdminServiceImpl::DoHold(const rpc::CallInfo& info, const relay::v1::HoldQueueItemsRequest& request,
                                           relay::v1::HoldQueueItemsResponse& response) {
  return Apply("hold", info, request, response, [](Item& item) {
    if (item.held()) return Changed::kNo;
    item.set_held(true);
    return Changed::kUpdate;
  });
}

absl::Status QueueAdminServiceImpl::DoRelease(const rpc::CallInfo& info, const relay::v1::ReleaseQueueItemsRequest& request,
                                              relay::v1::ReleaseQueueItemsResponse& response) {
  return Apply("release", info, request, response, [this](Item& item) {
    if (!item.held()) return Changed::kNo;
    item.set_held(false);
    item.set_next_attempt_ms(relay_.NowMs());
    return Changed::kUpdate;
  });
}

absl::Status QueueAdminServiceImpl::DoDelete(const rpc::CallInfo& info, const relay::v1::DeleteQueueItemsRequest& request,
                                             relay::v1::DeleteQueueItemsResponse& response) {
  return Apply("delete", info, request, response, [this, notify = request.notify()](Item& item) {
    if (!notify) return Changed::kRemove;
    for (Recipient& recipient : *item.mutable_recipients()) {
      if (!IsPending(recipient)) continue;
      recipient.set_state(Recipient::STATE_BOUNCED);
      recipient.set_last_reply("554 5.7.0 Taken out of the queue by the postmaster");
      recipient.set_last_status("5.7.0");
    }
    // With nothing left to deliver its next run tells the sender and takes it out.
    item.set_held(false);
    item.set_next_attempt_ms(relay_.NowMs());
    return Changed::kUpdate;
  });
}

absl::Status QueueAdminServiceImpl::DoReroute(const rpc::CallInfo& info, const relay::v1::RerouteQueueItemsRequest& request,
                                              relay::v1::RerouteQueueItemsResponse& response) {
  if (!request.next_hop().empty()) {
    const auto endpoint = net::Endpoint::Parse(request.next_hop());
    if (!endpoint.ok() || endpoint->is_unix() || endpoint->port() == 0) {
      return absl::InvalidArgumentError("next_hop: host:port or [address]:port is needed");
    }
  }
  if (request.implicit_tls() && request.tls_policy() == directory::v1::TLS_POLICY_NONE) {
    return absl::InvalidArgumentError("implicit TLS, and a TLS policy that wants none");
  }
  return Apply("reroute", info, request, response, [this, &request](Item& item) {
    const bool any_remote = std::any_of(item.recipients().begin(), item.recipients().end(),
                                        [](const Recipient& recipient) { return IsPending(recipient) && !IsLocal(recipient); });
    if (!any_remote || (item.reroute_next_hop().empty() && request.next_hop().empty())) return Changed::kNo;
    item.set_reroute_next_hop(absl::AsciiStrToLower(request.next_hop()));
    item.set_reroute_tls_policy(static_cast<uint32_t>(request.tls_policy()));
    item.set_reroute_implicit_tls(request.implicit_tls());
    item.set_next_attempt_ms(relay_.NowMs());
    return Changed::kUpdate;
  });
}

absl::Status QueueAdminServiceImpl::DoFlush(const rpc::CallInfo&, const relay::v1::FlushQueueRequest& request,
                                            relay::v1::FlushQueueResponse& response) {
  scheduler_.ForgetBackOff();
  relay::v1::QueueSelection selection;
  if (!request.queue_id().empty()) {
    RETURN_IF_ERROR(relay_.spool->Read(request.queue_id()).status());
    selection.add_queue_ids(request.queue_id());
  }
  selection.set_domain(request.domain());
  selection.set_all(true);
  const auto make_due = [this](Item& item) {
    const int64_t now = relay_.NowMs();
    if (item.held() || item.next_attempt_ms() <= now) return Changed::kNo;
    item.set_next_attempt_ms(now);
    return Changed::kUpdate;
  };
  ASSIGN_OR_RETURN(const ChangeResult result, ChangeItems(relay_, scheduler_, selection, request.page_token(), make_due));
  response.set_flushed(result.changed);
  response.set_next_page_token(result.next_page_token);
  return absl::OkStatus();
}

}  // namespace mailmesh::outbound_relay
