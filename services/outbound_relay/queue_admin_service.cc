#include "services/outbound_relay/queue_admin_service.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/synchronization/notification.h"
#include "common/base/status.h"
#include "common/mime/header.h"

namespace mailmesh::outbound_relay {
namespace {

constexpr size_t kPage = 500;
constexpr size_t kMaxHeader = 64 * 1024;

bool HasDomain(const Item& item, const std::string& domain) {
  if (domain.empty()) return true;
  const std::string suffix = "@" + absl::AsciiStrToLower(domain);
  return std::any_of(item.recipients().begin(), item.recipients().end(), [&](const auto& recipient) {
    return absl::AsciiStrToLower(recipient.forward_path()).ends_with(suffix);
  });
}

void Fill(const QueueId& id, const Item& item, relay::v1::QueueItem& out) {
  out.set_queue_id(id);
  out.set_reverse_path(item.reverse_path());
  out.set_size_bytes(item.trace_fields().size() + item.body_bytes());
  out.set_queued_seconds(item.queued_ms() / 1000);
  out.set_next_attempt_seconds(item.next_attempt_ms() / 1000);
  out.set_attempts(item.attempts());
  out.set_correlation_id(item.correlation_id());
  for (const auto& stored : item.recipients()) {
    relay::v1::QueueItemRecipient* recipient = out.add_recipients();
    recipient->set_forward_path(stored.forward_path());
    recipient->set_last_reply(stored.last_reply());
    recipient->set_next_hop(stored.last_next_hop());
    recipient->set_state(stored.state() == storage::v1::StoredQueueRecipient::STATE_DELIVERED ? relay::v1::RECIPIENT_STATE_DELIVERED
                         : stored.state() == storage::v1::StoredQueueRecipient::STATE_BOUNCED ? relay::v1::RECIPIENT_STATE_BOUNCED
                                                                                              : relay::v1::RECIPIENT_STATE_QUEUED);
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
  return rpc::HandleUnaryOnPool(context, *relay_.spool_pool, request, response, this, &QueueAdminServiceImpl::DoFlush);
}

absl::Status QueueAdminServiceImpl::DoList(const rpc::CallInfo&, const relay::v1::ListQueueItemsRequest& request,
                                           relay::v1::ListQueueItemsResponse& response) {
  const size_t limit = request.page_size() > 0 ? std::min<size_t>(static_cast<size_t>(request.page_size()), kPage) : kPage;
  // A page may be short, or empty, where a domain is asked for: the token says whether there is more.
  ASSIGN_OR_RETURN(const auto items, relay_.spool->List(request.page_token(), limit));
  for (const auto& [id, item] : items) {
    if (HasDomain(item, request.domain())) Fill(id, item, *response.add_items());
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

absl::StatusOr<bool> QueueAdminServiceImpl::FlushOne(const QueueId& id, Item item) {
  const int64_t now = relay_.NowMs();
  if (item.next_attempt_ms() <= now) return false;
  const int64_t old_due = item.next_attempt_ms();
  item.set_next_attempt_ms(now);
  absl::Notification written;
  absl::Status status;
  relay_.spool->Update(id, item, old_due, {}, [&](const absl::Status& outcome) {
    status = outcome;
    written.Notify();
  });
  written.WaitForNotification();
  RETURN_IF_ERROR(status);
  return true;
}

absl::Status QueueAdminServiceImpl::DoFlush(const rpc::CallInfo&, const relay::v1::FlushQueueRequest& request,
                                            relay::v1::FlushQueueResponse& response) {
  scheduler_.ForgetBackOff();
  uint64_t flushed = 0;
  if (!request.queue_id().empty()) {
    ASSIGN_OR_RETURN(Item item, relay_.spool->Read(request.queue_id()));
    ASSIGN_OR_RETURN(const bool moved, FlushOne(request.queue_id(), std::move(item)));
    flushed = moved ? 1 : 0;
  } else {
    QueueId after;
    for (;;) {
      ASSIGN_OR_RETURN(auto items, relay_.spool->List(after, kPage));
      if (items.empty()) break;
      after = items.back().first;
      for (auto& [id, item] : items) {
        if (!HasDomain(item, request.domain())) continue;
        ASSIGN_OR_RETURN(const bool moved, FlushOne(id, std::move(item)));
        flushed += moved ? 1 : 0;
      }
    }
  }
  scheduler_.Wake();
  response.set_flushed(flushed);
  return absl::OkStatus();
}

}  // namespace mailmesh::outbound_relay
