#include "services/smtp_ingress/delivery.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/net/event.h"
#include "common/net/spawn.h"
#include "common/rpc/client_call.h"
#include "common/rpc/retry.h"
#include "common/rpc/status.h"
#include "common/telemetry/log.h"
#include "services/smtp_ingress/trace.h"

namespace mailmesh::smtp_ingress {
namespace {

using mailbox::v1::MailboxService;
using relay::v1::RelayService;
using StoreMethods = class MailboxService::Stub::async;
using RelayMethods = class RelayService::Stub::async;

// RFC 5321, 4.5.3.2.6: a client waits 10 minutes for the final reply; we answer long before.
constexpr absl::Duration kEnqueueTimeout = absl::Seconds(60);
// With a relay to fall back on, a shard that is away is not waited for.
constexpr absl::Duration kDeliverTimeout = absl::Seconds(10);
// Without one (LMTP, or a content that only the shard has) it gets the time to start again.
constexpr absl::Duration kPatientDeliverTimeout = absl::Seconds(60);

// What the relay takes in one call.
constexpr int kMaxRecipientsOfACall = 1000;

std::string RequestId(const DeliveryRequest& request, const std::string& shard) {
  return absl::StrCat(request.facts.correlation_id(), "/", shard);
}

// Permanent for the recipient, whoever tries: the relay would hear the same.
bool IsPermanent(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
      return true;
    case absl::StatusCode::kResourceExhausted:
      return rpc::ReasonOf(status) == type::v1::ERROR_REASON_QUOTA || rpc::ReasonOf(status) == type::v1::ERROR_REASON_TOO_LARGE;
    default:
      return false;
  }
}

absl::Status FromResult(const mailbox::v1::DeliveryResult& result) {
  if (result.code() == 0) return absl::OkStatus();
  type::v1::ErrorReason reason = type::v1::ERROR_REASON_UNSPECIFIED;
  type::v1::ErrorReason_Parse(result.reason(), &reason);
  return rpc::MakeError(static_cast<absl::StatusCode>(result.code()), reason, result.detail());
}

// One shard's part of the delivery.
struct ShardDelivery {
  std::string shard;
  std::vector<absl::Status> copies;  // as in Envelope::local()
};

net::Awaitable<absl::Status> DeliverToShard(Ingress& ingress, const DeliveryRequest& request, ShardDelivery& delivery) {
  const std::vector<LocalCopy>& copies = request.envelope.local().at(delivery.shard);
  absl::StatusOr<type::v1::MessageBody> body = request.body.BodyFor(delivery.shard);
  if (!body.ok()) co_return body.status();
  const bool patient = request.lmtp || !request.body.HasBodyFor("");
  const absl::Duration timeout = patient ? kPatientDeliverTimeout : kDeliverTimeout;
  const net::TimePoint channel_deadline = net::After(absl::ToChronoSeconds(timeout));
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = co_await ingress.shards->Channel(delivery.shard, channel_deadline);
  if (!channel.ok()) co_return channel.status();

  mailbox::v1::DeliverMessageRequest call;
  call.set_request_id(RequestId(request, delivery.shard));
  *call.mutable_body() = std::move(*body);
  const std::string reverse_path = request.envelope.reverse_path();
  call.mutable_body()->set_trace_fields(ReturnPathField(reverse_path) + request.received_field);
  call.set_reverse_path(reverse_path);
  *call.mutable_facts() = request.facts;
  for (const LocalCopy& copy : copies) {
    mailbox::v1::DeliveryRecipient* recipient = call.add_recipients();
    recipient->set_account_id(copy.account_id);
    recipient->set_forward_path(copy.address);
    recipient->set_original_recipient(copy.recipients.front().original);
    recipient->set_mailbox(copy.mailbox);
  }
  const std::shared_ptr<MailboxService::Stub> stub = ingress.stores.For(*channel);
  rpc::CallContext context = rpc::CallContext::Within(timeout, request.trace);
  rpc::RetryPolicy policy;
  policy.max_attempts = patient ? 100 : 5;
  auto response = co_await rpc::RetryUnary(stub->async(), &StoreMethods::DeliverMessage, call, context, policy);
  if (!response.ok()) co_return response.status();
  if (response->results_size() != static_cast<int>(copies.size())) co_return absl::InternalError("results differ in number");
  for (size_t i = 0; i < copies.size(); ++i) {
    delivery.copies[i] = FromResult(response->results(static_cast<int>(i)));
    if (!delivery.copies[i].ok()) continue;
    ingress.metrics.recipients.With({"mailbox", "store"}).Increment(static_cast<double>(copies[i].recipients.size()));
  }
  co_return absl::OkStatus();
}

// Owned by Deliver's frame, which waits for all of them.
struct Gather {
  explicit Gather(net::Executor executor) : done(std::move(executor)) {}
  net::Event done;
  size_t running = 0;
};

net::Awaitable<void> RunShard(Ingress* ingress, const DeliveryRequest* request, ShardDelivery* delivery, Gather* gather) {
  absl::Status status = co_await DeliverToShard(*ingress, *request, *delivery);
  if (!status.ok()) {
    telemetry::Warning("shard did not take a message", {request->trace,
                                                        {"shard", delivery->shard},
                                                        {"error", base::Message(status)}});
    std::fill(delivery->copies.begin(), delivery->copies.end(), status);
  }
  --gather->running;
  gather->done.Notify();
}

void SetNotify(const smtp::Notify& notify, relay::v1::QueueRecipient& recipient) {
  recipient.mutable_notify()->set_never(notify.never);
  recipient.mutable_notify()->set_success(notify.success);
  recipient.mutable_notify()->set_failure(notify.failure);
  recipient.mutable_notify()->set_delay(notify.delay);
}

void AddRelayed(const RelayCopy& copy, relay::v1::EnqueueMessageRequest& call) {
  relay::v1::QueueRecipient* recipient = call.add_recipients();
  recipient->set_forward_path(copy.address);
  recipient->set_original_recipient(copy.recipients.front().original);
  SetNotify(copy.recipients.front().notify, *recipient);
}

// One for each RCPT that led to the copy, so that each is reported as its sender asked; the store makes one copy of them.
void AddLocalRoute(const DeliveryRequest& request, const std::string& shard, const LocalCopy& copy,
                   const CopyRecipient& of, relay::v1::EnqueueMessageRequest& call) {
  relay::v1::QueueRecipient* recipient = call.add_recipients();
  recipient->set_forward_path(copy.address);
  recipient->set_original_recipient(of.original);
  SetNotify(of.notify, *recipient);
  recipient->mutable_local()->set_shard(shard);
  recipient->mutable_local()->set_account_id(copy.account_id);
  recipient->mutable_local()->set_mailbox(copy.mailbox);
  recipient->mutable_local()->set_request_id(RequestId(request, shard));
}

net::Awaitable<absl::StatusOr<relay::v1::EnqueueMessageResponse>> EnqueueAt(std::shared_ptr<grpc::Channel> relay,
                                                                            const relay::v1::EnqueueMessageRequest& call,
                                                                            rpc::CallContext context) {
  auto stub = RelayService::NewStub(relay);
  co_return co_await rpc::UnaryCall(stub->async(), &RelayMethods::EnqueueMessage, call, context);
}

net::Awaitable<absl::Status> EnqueueOne(Ingress& ingress, const DeliveryRequest& request, relay::v1::EnqueueMessageRequest call,
                                        std::string kind) {
  absl::StatusOr<type::v1::MessageBody> body = request.body.BodyFor("");
  if (!body.ok()) co_return body.status();
  *call.mutable_body() = std::move(*body);
  call.mutable_body()->set_trace_fields(request.received_field);
  call.set_request_id(absl::StrCat(request.facts.correlation_id(), "/", kind));
  call.set_reverse_path(request.envelope.reverse_path());
  *call.mutable_facts() = request.facts;
  const smtp::Mail& mail = request.envelope.mail();
  call.set_smtputf8(mail.smtputf8);
  // RFC 6152, 3: declared where it goes on, also for a client that did not.
  call.set_eight_bit(mail.body.value_or(smtp::Body::k7Bit) != smtp::Body::k7Bit || request.body.eight_bit());
  if (mail.ret.has_value()) {
    call.set_dsn_return(*mail.ret == smtp::Ret::kFull ? relay::v1::DSN_RETURN_FULL : relay::v1::DSN_RETURN_HEADERS);
  }
  call.set_envelope_id(mail.envid.value_or(""));
  rpc::CallContext context = rpc::CallContext::Within(kEnqueueTimeout, request.trace);
  // Again and again, but at one: what a lost answer was about is in its spool, and in no other.
  rpc::RetryPolicy policy;
  policy.max_attempts = 100;
  absl::StatusOr<relay::v1::EnqueueMessageResponse> response = absl::UnknownError("not asked");
  if (const std::shared_ptr<grpc::Channel>& relay = request.body.relay(); relay != nullptr) {
    auto stub = RelayService::NewStub(relay);
    response = co_await rpc::RetryUnary(stub->async(), &RelayMethods::EnqueueMessage, call, context, policy);
  } else {
    auto attempt = [&call](const std::shared_ptr<grpc::Channel>& relay, const rpc::CallContext& bounded) {
      return EnqueueAt(relay, call, bounded);
    };
    response = co_await ingress.relays->CallOne<relay::v1::EnqueueMessageResponse>(policy, context, attempt);
  }
  if (!response.ok()) co_return response.status();
  for (const relay::v1::QueueRecipient& recipient : call.recipients()) {
    ingress.metrics.recipients.With({recipient.has_local() ? "mailbox" : "server", "relay"}).Increment();
  }
  co_return absl::OkStatus();
}

// In as many calls as its recipients need, each with an id of its own: a repetition after a lost answer changes nothing. An
// upload is good for one call, which the relay then takes whole.
net::Awaitable<absl::Status> Enqueue(Ingress& ingress, const DeliveryRequest& request, relay::v1::EnqueueMessageRequest call,
                                     std::string kind) {
  const int total = call.recipients_size();
  if (total <= kMaxRecipientsOfACall || !request.body.is_inline()) {
    co_return co_await EnqueueOne(ingress, request, std::move(call), std::move(kind));
  }
  for (int begin = 0; begin < total; begin += kMaxRecipientsOfACall) {
    relay::v1::EnqueueMessageRequest part;
    for (int i = begin; i < std::min(begin + kMaxRecipientsOfACall, total); ++i) *part.add_recipients() = std::move(*call.mutable_recipients(i));
    absl::Status status = co_await EnqueueOne(ingress, request, std::move(part), absl::StrCat(kind, "-", begin / kMaxRecipientsOfACall));
    if (!status.ok()) co_return status;
  }
  co_return absl::OkStatus();
}

void AddLocalRoutes(const DeliveryRequest& request, const std::string& shard, const LocalCopy& copy,
                    relay::v1::EnqueueMessageRequest& call) {
  for (const CopyRecipient& recipient : copy.recipients) AddLocalRoute(request, shard, copy, recipient, call);
}

// RFC 3461, 4.1: NOTIFY=SUCCESS for a copy that is stored. The relay delivers it again under the same id, which changes
// nothing and succeeds, and reports that as it reports everything.
void AddReports(const DeliveryRequest& request, const std::string& shard, const LocalCopy& copy,
                relay::v1::EnqueueMessageRequest& call) {
  for (const CopyRecipient& recipient : copy.recipients) {
    if (recipient.notify.success) AddLocalRoute(request, shard, copy, recipient, call);
  }
}

// Copies that the relay is to finish in a shard's place, and successes that it is to report. For a client that gets one reply
// the former are all temporary failures, and the permanent ones too where anything was stored (they become DSNs).
net::Awaitable<void> HandToRelay(Ingress& ingress, const DeliveryRequest& request, std::vector<ShardDelivery>& deliveries,
                                 bool anything_stored) {
  relay::v1::EnqueueMessageRequest call;
  std::vector<absl::Status*> handed;
  const bool reports = request.envelope.reports_local_success();
  for (ShardDelivery& delivery : deliveries) {
    const std::vector<LocalCopy>& copies = request.envelope.local().at(delivery.shard);
    for (size_t i = 0; i < copies.size(); ++i) {
      if (delivery.copies[i].ok()) {
        if (reports) AddReports(request, delivery.shard, copies[i], call);
      } else if (!request.lmtp && (anything_stored || !IsPermanent(delivery.copies[i]))) {
        AddLocalRoutes(request, delivery.shard, copies[i], call);
        handed.push_back(&delivery.copies[i]);
      }
    }
  }
  if (call.recipients().empty()) co_return;
  absl::Status status = co_await Enqueue(ingress, request, std::move(call), "local");
  if (!status.ok()) {
    // A failure leaves the shard's own answer standing. What is stored is safe: the client is not told to send it all again
    // because a report cannot be queued.
    telemetry::Warning("not handed to the relay", {request.trace, {"error", base::Message(status)}});
    co_return;
  }
  for (absl::Status* copy : handed) *copy = absl::OkStatus();
}

// All that goes to other sites, and, where the relay alone has the content, everything.
net::Awaitable<absl::Status> EnqueueRelayed(Ingress& ingress, const DeliveryRequest& request) {
  if (request.envelope.relayed().empty()) co_return absl::OkStatus();
  relay::v1::EnqueueMessageRequest call;
  for (const RelayCopy& copy : request.envelope.relayed()) AddRelayed(copy, call);
  if (request.body.GoesToTheRelayAlone()) {
    for (const auto& [shard, copies] : request.envelope.local()) {
      for (const LocalCopy& copy : copies) AddLocalRoutes(request, shard, copy, call);
    }
  }
  co_return co_await Enqueue(ingress, request, std::move(call), "relay");
}

// Every shard at once; what became of each copy.
net::Awaitable<std::vector<ShardDelivery>> DeliverToShards(Ingress& ingress, const DeliveryRequest& request) {
  std::vector<ShardDelivery> deliveries;
  for (const auto& [shard, copies] : request.envelope.local()) {
    deliveries.push_back({shard, std::vector<absl::Status>(copies.size())});
  }
  net::Executor executor = co_await asio::this_coro::executor;
  Gather gather(executor);
  gather.running = deliveries.size();
  if (deliveries.size() == 1) {
    co_await RunShard(&ingress, &request, &deliveries[0], &gather);
    co_return deliveries;
  }
  for (ShardDelivery& delivery : deliveries) {
    net::Spawn(executor, RunShard(&ingress, &request, &delivery, &gather), "smtp-deliver");
  }
  while (gather.running > 0) {
    [[maybe_unused]] absl::Status notified = co_await gather.done.Wait();
  }
  co_return deliveries;
}

// Keeps the worst of what a recipient's copies came to: one that may succeed later outweighs one that never will.
void Merge(absl::Status& into, const absl::Status& status) {
  if (status.ok()) return;
  if (into.ok() || (IsPermanent(into) && !IsPermanent(status))) into = status;
}

}  // namespace

net::Awaitable<std::vector<absl::Status>> Deliver(Ingress& ingress, DeliveryRequest request) {
  const Envelope& envelope = request.envelope;
  std::vector<absl::Status> results(envelope.recipient_count());
  const absl::Status relayed = co_await EnqueueRelayed(ingress, request);
  if (!relayed.ok() || request.body.GoesToTheRelayAlone()) {
    std::fill(results.begin(), results.end(), relayed);
    co_return results;
  }
  std::vector<ShardDelivery> deliveries = co_await DeliverToShards(ingress, request);
  bool anything_stored = !envelope.relayed().empty();
  for (const ShardDelivery& delivery : deliveries) {
    anything_stored |= std::any_of(delivery.copies.begin(), delivery.copies.end(), [](const absl::Status& s) { return s.ok(); });
  }
  co_await HandToRelay(ingress, request, deliveries, anything_stored);

  for (const ShardDelivery& delivery : deliveries) {
    const std::vector<LocalCopy>& copies = envelope.local().at(delivery.shard);
    for (size_t i = 0; i < copies.size(); ++i) {
      for (const CopyRecipient& recipient : copies[i].recipients) Merge(results[recipient.rcpt], delivery.copies[i]);
    }
  }
  co_return results;
}

}  // namespace mailmesh::smtp_ingress
