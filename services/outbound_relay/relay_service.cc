#include "services/outbound_relay/relay_service.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/rpc/status.h"
#include "common/service/on_pool.h"
#include "common/telemetry/log.h"

namespace mailmesh::outbound_relay {
namespace {

// A sender splits what has more; but an upload is good for one call.
constexpr int kMaxRecipients = 1000;
constexpr int kMaxRecipientsOfUpload = 10'000;
// After its content a message is queued at once; one that only stands in for a shard that may fail is mostly never.
constexpr absl::Duration kQueuedWithin = absl::Seconds(5);

absl::Status Closing() {
  return rpc::MakeError(absl::StatusCode::kUnavailable, type::v1::ERROR_REASON_SHUTTING_DOWN, "the relay is closing");
}

absl::Status CheckRequest(const relay::v1::EnqueueMessageRequest& request) {
  if (request.request_id().empty() || request.request_id().size() > 128) {
    return absl::InvalidArgumentError("request_id: 1 to 128 octets are needed");
  }
  const int most = request.body().upload_id().empty() ? kMaxRecipients : kMaxRecipientsOfUpload;
  if (request.recipients_size() < 1 || request.recipients_size() > most) {
    return absl::InvalidArgumentError(absl::StrCat("recipients: 1 to ", most, " are needed"));
  }
  if (request.body().trace_fields().size() > 64 * 1024) return absl::InvalidArgumentError("trace_fields: at most 64 KiB");
  if (request.body().inline_octets().size() > Spool::kChunk) {
    return absl::InvalidArgumentError("inline_octets: at most 256 KiB; use UploadBody");
  }
  return absl::OkStatus();
}

Item ToItem(const relay::v1::EnqueueMessageRequest& request, int64_t now_ms) {
  Item item;
  item.set_reverse_path(request.reverse_path());
  item.set_trace_fields(request.body().trace_fields());
  item.set_smtputf8(request.smtputf8());
  item.set_eight_bit(request.eight_bit());
  item.set_dsn_return(static_cast<uint32_t>(request.dsn_return()));
  item.set_envelope_id(request.envelope_id());
  item.set_correlation_id(request.facts().correlation_id());
  item.set_session_facts(request.facts().SerializeAsString());
  item.set_queued_ms(now_ms);
  item.set_next_attempt_ms(now_ms);
  for (const relay::v1::QueueRecipient& recipient : request.recipients()) {
    storage::v1::StoredQueueRecipient* stored = item.add_recipients();
    stored->set_forward_path(recipient.forward_path());
    stored->set_original_recipient(recipient.original_recipient());
    stored->set_state(storage::v1::StoredQueueRecipient::STATE_QUEUED);
    stored->set_notify_never(recipient.notify().never());
    stored->set_notify_success(recipient.notify().success());
    stored->set_notify_failure(recipient.notify().failure());
    stored->set_notify_delay(recipient.notify().delay());
    stored->set_local_shard(recipient.local().shard());
    stored->set_local_account_id(recipient.local().account_id());
    stored->set_local_mailbox(recipient.local().mailbox());
    stored->set_local_request_id(recipient.local().request_id());
  }
  return item;
}

}  // namespace

grpc::ServerReadReactor<relay::v1::UploadBodyRequest>* RelayServiceImpl::UploadBody(grpc::CallbackServerContext* context,
                                                                                   relay::v1::UploadBodyResponse* response) {
  return rpc::HandleClientStream<relay::v1::UploadBodyRequest>(context, pool_.Next().get_executor(), response, this,
                                                               &RelayServiceImpl::OnUploadBody);
}

net::Awaitable<absl::Status> RelayServiceImpl::OnUploadBody(rpc::CallInfo, rpc::ServerReader<relay::v1::UploadBodyRequest>& reader,
                                                            relay::v1::UploadBodyResponse& response) {
  if (refuses_.load()) co_return Closing();
  const std::string upload_id = relay_.spool->NewUploadId();
  {
    absl::MutexLock lock(&mutex_);
    absl::erase_if(expected_, [now = absl::Now()](const auto& entry) { return entry.second <= now; });
    expected_[upload_id] = absl::InfiniteFuture();
  }
  const absl::Status status = co_await ReadUpload(upload_id, reader, response);
  absl::MutexLock lock(&mutex_);
  expected_[upload_id] = status.ok() ? absl::Now() + kQueuedWithin : absl::InfinitePast();
  co_return status;
}

bool RelayServiceImpl::ExpectsMessages() {
  absl::MutexLock lock(&mutex_);
  return std::any_of(expected_.begin(), expected_.end(), [now = absl::Now()](const auto& entry) { return entry.second > now; });
}

net::Awaitable<absl::Status> RelayServiceImpl::ReadUpload(std::string upload_id, rpc::ServerReader<relay::v1::UploadBodyRequest>& reader,
                                                          relay::v1::UploadBodyResponse& response) {
  std::string buffer;
  uint64_t size = 0;
  uint32_t index = 0;
  for (bool more = true; more;) {
    absl::StatusOr<std::optional<relay::v1::UploadBodyRequest>> next = co_await reader.Read();
    if (!next.ok()) co_return next.status();
    more = next->has_value();
    if (more && (**next).chunk().octets().size() > Spool::kChunk) {
      co_return absl::InvalidArgumentError("a chunk has at most 256 KiB");
    }
    if (more) {
      buffer += (**next).chunk().octets();
      size += (**next).chunk().octets().size();
    }
    if (size > relay_.options.max_message_bytes) {
      co_return rpc::MakeError(absl::StatusCode::kResourceExhausted, type::v1::ERROR_REASON_TOO_LARGE, "message too large");
    }
    // Records have kChunk octets each, the last one aside, whatever the caller's parts were.
    while (buffer.size() >= Spool::kChunk || (!more && !buffer.empty())) {
      std::string part = buffer.substr(0, Spool::kChunk);
      buffer.erase(0, part.size());
      auto work = [spool = relay_.spool.get(), upload_id, index, part = std::move(part)] { return spool->AddChunk(upload_id, index, part); };
      absl::Status added = co_await service::OnPool(*relay_.spool_pool, std::move(work));
      if (!added.ok()) co_return added;
      ++index;
    }
  }
  auto work = [spool = relay_.spool.get(), upload_id, size] { return spool->FinishUpload(upload_id, size); };
  absl::Status finished = co_await service::OnPool(*relay_.spool_pool, std::move(work));
  if (!finished.ok()) co_return finished;
  response.set_upload_id(upload_id);
  response.set_size_bytes(size);
  co_return absl::OkStatus();
}

grpc::ServerUnaryReactor* RelayServiceImpl::EnqueueMessage(grpc::CallbackServerContext* context,
                                                           const relay::v1::EnqueueMessageRequest* request,
                                                           relay::v1::EnqueueMessageResponse* response) {
  return rpc::HandleUnaryDeferred(context, *relay_.spool_pool, request, response, this, &RelayServiceImpl::DoEnqueue);
}

void RelayServiceImpl::DoEnqueue(const rpc::CallInfo&, const relay::v1::EnqueueMessageRequest& request,
                                 relay::v1::EnqueueMessageResponse* response, rpc::Responder responder) {
  if (const absl::Status valid = CheckRequest(request); !valid.ok()) {
    responder(valid);
    return;
  }
  // A repetition answers what the first call did. Where its caller lost the connection and not the call, the first goes on here:
  // what it comes to is not known yet.
  if (!Begin(request)) {
    responder(absl::UnavailableError("the first call of this request is under way"));
    return;
  }
  const absl::StatusOr<std::optional<QueueId>> known = relay_.spool->FindRequest(request.request_id());
  if (!known.ok() || known->has_value()) {
    if (known.ok()) response->set_queue_id(**known);
    End(request);
    responder(known.status());
    return;
  }
  // Not before: a repetition of what is queued here must hear so, or its sender sends it again.
  if (refuses_.load()) {
    End(request);
    responder(Closing());
    return;
  }
  const QueueId id = base::NewIdText(relay_.clock);
  const auto size = static_cast<uint64_t>(request.body().inline_octets().size());
  const auto recipients = static_cast<uint64_t>(request.recipients_size());
  const std::string from = request.reverse_path();
  Item item = ToItem(request, relay_.NowMs());
  const Place place{DestinationOf(item), item.next_attempt_ms()};
  auto shared = std::make_shared<rpc::Responder>(std::move(responder));
  // `request` is the call's, which the responder ends.
  auto done = [this, id, place, response, shared, &request, trace = telemetry::Trace::Of(request.facts().correlation_id()), size, recipients,
               from](const absl::Status& status) {
    if (status.ok()) {
      response->set_queue_id(id);
      telemetry::Info("message queued", {trace, {"queue_id", id}, {"from", from}, {"recipients", recipients}, {"size", size}});
    }
    End(request);
    (*shared)(status);
    if (status.ok()) scheduler_.Offer(id, place);
  };
  const absl::Status submitted = relay_.spool->Enqueue(id, std::move(item), request.body().inline_octets(),
                                                       request.body().upload_id(), request.request_id(), done);
  if (submitted.ok()) return;
  End(request);
  (*shared)(submitted);
}

bool RelayServiceImpl::Begin(const relay::v1::EnqueueMessageRequest& request) {
  absl::MutexLock lock(&mutex_);
  return enqueuing_.insert(request.request_id()).second;
}

void RelayServiceImpl::End(const relay::v1::EnqueueMessageRequest& request) {
  absl::MutexLock lock(&mutex_);
  enqueuing_.erase(request.request_id());
  expected_.erase(request.body().upload_id());
}

}  // namespace mailmesh::outbound_relay
