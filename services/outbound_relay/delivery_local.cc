#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/client_stream.h"
#include "common/rpc/retry.h"
#include "common/rpc/status.h"
#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"
#include "services/outbound_relay/delivery.h"
#include "services/outbound_relay/spool_body.h"

namespace mailmesh::outbound_relay {
namespace {

using mailbox::v1::MailboxService;
using Methods = class MailboxService::Stub::async;
using Upload = rpc::ClientStream<mailbox::v1::UploadBodyRequest, mailbox::v1::UploadBodyResponse>;

constexpr absl::Duration kDeliverTimeout = absl::Seconds(30);
constexpr absl::Duration kUploadTimeout = absl::Minutes(30);
constexpr auto kChannelTimeout = std::chrono::seconds(10);

// The whole content, uploaded where it is too large to travel in the call.
net::Awaitable<absl::StatusOr<type::v1::MessageBody>> ReadBody(Relay& relay, MailboxService::Stub& stub, const Attempt& attempt) {
  const Item& item = *attempt.item;
  type::v1::MessageBody body;
  SpoolBody reader(relay, item);
  reader.SkipTrace();
  if (item.body_bytes() <= Spool::kChunk) {
    if (item.body_bytes() > 0) {
      absl::StatusOr<std::string> octets = co_await reader.Next();
      if (!octets.ok()) co_return octets.status();
      body.set_inline_octets(std::move(*octets));
    } else {
      body.set_inline_octets("");
    }
    co_return body;
  }
  rpc::CallContext context = rpc::CallContext::Within(kUploadTimeout, attempt.trace);
  Upload upload = Upload::Start(stub.async(), &Methods::UploadBody, context);
  for (;;) {
    absl::StatusOr<std::string> octets = co_await reader.Next();
    if (!octets.ok()) co_return octets.status();
    if (octets->empty()) break;
    mailbox::v1::UploadBodyRequest request;
    request.mutable_chunk()->set_octets(std::move(*octets));
    absl::Status written = co_await upload.Write(std::move(request));
    if (!written.ok()) co_return written;
  }
  absl::StatusOr<mailbox::v1::UploadBodyResponse> done = co_await upload.Finish();
  if (!done.ok()) co_return done.status();
  body.set_upload_id(done->upload_id());
  co_return body;
}

smtp::Outcome ToOutcome(absl::StatusCode code, type::v1::ErrorReason reason) {
  smtp::Outcome outcome;
  outcome.stage = smtp::Stage::kEnd;
  outcome.local = true;
  if (code == absl::StatusCode::kOk) {
    outcome.verdict = smtp::Verdict::kDelivered;
    outcome.reply = smtp::Reply(250, {2, 1, 5}, "Delivered");
  } else if (code == absl::StatusCode::kNotFound && reason == type::v1::ERROR_REASON_ACCOUNT_NOT_FOUND) {
    outcome.verdict = smtp::Verdict::kPermanent;
    outcome.reply = smtp::Reply(550, {5, 1, 1}, "No such user here");
  } else if (code == absl::StatusCode::kResourceExhausted && reason == type::v1::ERROR_REASON_QUOTA) {
    outcome.verdict = smtp::Verdict::kPermanent;
    outcome.reply = smtp::Reply(552, {5, 2, 2}, "Mailbox full");
  } else if (code == absl::StatusCode::kResourceExhausted && reason == type::v1::ERROR_REASON_TOO_LARGE) {
    outcome.verdict = smtp::Verdict::kPermanent;
    outcome.reply = smtp::Reply(552, {5, 3, 4}, "Message size exceeds the limit");
  } else {
    // Whatever else went wrong is a fault of ours: it never bounces mail.
    outcome.verdict = smtp::Verdict::kTemporary;
    outcome.reply = smtp::Reply(451, {4, 3, 0}, "Temporary local problem");
  }
  return outcome;
}

std::string NextHopOf(const Attempt& attempt) { return absl::StrCat("shard ", attempt.shard); }

net::Awaitable<absl::Status> Deliver(Relay& relay, const Attempt& attempt, AttemptResult& result) {
  const Item& item = *attempt.item;
  const net::TimePoint deadline = net::After(kChannelTimeout);
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = co_await relay.shards->Channel(attempt.shard, deadline);
  if (!channel.ok()) co_return channel.status();
  auto stub = MailboxService::NewStub(*channel);
  absl::StatusOr<type::v1::MessageBody> body = co_await ReadBody(relay, *stub, attempt);
  if (!body.ok()) co_return body.status();
  mailbox::v1::DeliverMessageRequest request;
  request.set_request_id(attempt.request_id);
  *request.mutable_body() = std::move(*body);
  request.mutable_body()->set_trace_fields(absl::StrCat("Return-Path: <", item.reverse_path(), ">\r\n", item.trace_fields()));
  request.set_reverse_path(item.reverse_path());
  request.mutable_facts()->ParseFromString(item.session_facts());
  request.mutable_facts()->set_correlation_id(item.correlation_id());
  for (const int index : attempt.recipients) {
    const auto& stored = item.recipients(index);
    mailbox::v1::DeliveryRecipient* recipient = request.add_recipients();
    recipient->set_account_id(stored.local_account_id());
    recipient->set_forward_path(stored.forward_path());
    recipient->set_original_recipient(stored.original_recipient());
    recipient->set_mailbox(stored.local_mailbox());
  }
  rpc::CallContext context = rpc::CallContext::Within(kDeliverTimeout, attempt.trace);
  auto response = co_await rpc::RetryUnary(stub->async(), &Methods::DeliverMessage, request, context);
  if (!response.ok()) co_return response.status();
  if (response->results_size() != static_cast<int>(attempt.recipients.size())) co_return absl::InternalError("results differ in number");
  for (const mailbox::v1::DeliveryResult& one : response->results()) {
    type::v1::ErrorReason reason = type::v1::ERROR_REASON_UNSPECIFIED;
    type::v1::ErrorReason_Parse(one.reason(), &reason);
    result.recipients.push_back({ToOutcome(static_cast<absl::StatusCode>(one.code()), reason), NextHopOf(attempt), false});
  }
  co_return absl::OkStatus();
}

}  // namespace

net::Awaitable<AttemptResult> DeliverLocal(Relay& relay, Attempt attempt) {
  AttemptResult result;
  absl::Status status = co_await Deliver(relay, attempt, result);
  result.contact = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ? Contact::kUnreachable : Contact::kReached;
  if (!status.ok()) {
    result.recipients.assign(attempt.recipients.size(), {ToOutcome(status.code(), rpc::ReasonOf(status)), NextHopOf(attempt), false});
    if (absl::IsNotFound(status) && rpc::ReasonOf(status) != type::v1::ERROR_REASON_ACCOUNT_NOT_FOUND) relay.shards->Invalidate();
  }
  co_return result;
}

}  // namespace mailmesh::outbound_relay
