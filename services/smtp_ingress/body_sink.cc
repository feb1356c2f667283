#include "services/smtp_ingress/body_sink.h"

#include "common/base/status.h"
#include "common/rpc/call_context.h"
#include "common/text/utf8_repair.h"

namespace mailmesh::smtp_ingress {
namespace {

using mailbox::v1::MailboxService;
using relay::v1::RelayService;
using StoreMethods = class MailboxService::Stub::async;
using RelayMethods = class RelayService::Stub::async;

// A slow client decides how long an upload takes; its own time-outs end it.
constexpr absl::Duration kUploadTimeout = absl::Hours(2);
constexpr auto kChannelTimeout = std::chrono::seconds(10);

}  // namespace

net::Awaitable<void> BodySink::Append(std::string octets) {
  if (!header_.header_ended()) header_.Feed(octets);
  size_ += octets.size();
  eight_bit_ = eight_bit_ || !text::IsAscii(octets);
  if (buffer_.empty()) {
    buffer_ = std::move(octets);
  } else {
    buffer_ += octets;
  }
  if (!streaming_) {
    if (buffer_.size() <= kInlineLimit) co_return;
    co_await StartUploads();
  }
  size_t sent = 0;
  while (buffer_.size() - sent >= kInlineLimit) {
    std::string chunk = buffer_.substr(sent, kInlineLimit);
    co_await SendChunk(std::move(chunk));
    sent += kInlineLimit;
  }
  buffer_.erase(0, sent);
}

net::Awaitable<void> BodySink::StartUploads() {
  streaming_ = true;
  if (!GoesToTheRelayAlone()) co_await StartShardUploads();
  // With several destinations the relay gets the content too: it stands in for a shard that fails after others have stored
  // their copies. And where it is to report that a copy was stored.
  const size_t destinations = envelope_.local().size() + (envelope_.relayed().empty() ? 0 : 1);
  if (!envelope_.relayed().empty() || destinations > 1 || envelope_.reports_local_success()) co_await StartRelayUpload();
}

net::Awaitable<void> BodySink::StartShardUploads() {
  rpc::CallContext context = rpc::CallContext::Within(kUploadTimeout, trace_);
  for (const auto& [shard, copies] : envelope_.local()) {
    Upload& upload = uploads_[shard];
    const net::TimePoint deadline = net::After(kChannelTimeout);
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = co_await ingress_.shards->Channel(shard, deadline);
    if (!channel.ok()) {
      upload.status = channel.status();
      continue;
    }
    const std::shared_ptr<MailboxService::Stub> stub = ingress_.stores.For(*channel);
    upload.to_store.emplace(rpc::ClientStream<mailbox::v1::UploadBodyRequest, mailbox::v1::UploadBodyResponse>::Start(
        stub->async(), &StoreMethods::UploadBody, context));
  }
}

net::Awaitable<void> BodySink::StartRelayUpload() {
  rpc::CallContext context = rpc::CallContext::Within(kUploadTimeout, trace_);
  Upload& upload = uploads_[""];
  rpc::CallContext picking = rpc::CallContext::Within(absl::FromChrono(kChannelTimeout), trace_);
  absl::StatusOr<std::shared_ptr<grpc::Channel>> relay = co_await ingress_.relays->Pick(picking);
  if (!relay.ok()) {
    upload.status = relay.status();
    co_return;
  }
  relay_ = *std::move(relay);
  auto stub = RelayService::NewStub(relay_);
  upload.to_relay.emplace(rpc::ClientStream<relay::v1::UploadBodyRequest, relay::v1::UploadBodyResponse>::Start(
      stub->async(), &RelayMethods::UploadBody, context));
}

net::Awaitable<void> BodySink::SendChunk(std::string octets) {
  for (auto& [shard, upload] : uploads_) {
    if (!upload.status.ok()) continue;
    if (upload.to_store.has_value()) {
      mailbox::v1::UploadBodyRequest request;
      request.mutable_chunk()->set_octets(octets);
      request.set_account_id(envelope_.local().at(shard).front().account_id);
      upload.status = co_await upload.to_store->Write(std::move(request));
    } else {
      relay::v1::UploadBodyRequest request;
      request.mutable_chunk()->set_octets(octets);
      upload.status = co_await upload.to_relay->Write(std::move(request));
    }
  }
}

net::Awaitable<void> BodySink::Finish() {
  if (!streaming_) co_return;
  if (!buffer_.empty()) {
    std::string rest = std::move(buffer_);
    buffer_.clear();
    co_await SendChunk(std::move(rest));
  }
  for (auto& [shard, upload] : uploads_) {
    if (!upload.status.ok()) continue;
    if (upload.to_store.has_value()) {
      absl::StatusOr<mailbox::v1::UploadBodyResponse> done = co_await upload.to_store->Finish();
      upload.status = done.status();
      if (done.ok()) upload.upload_id = done->upload_id();
    } else {
      absl::StatusOr<relay::v1::UploadBodyResponse> done = co_await upload.to_relay->Finish();
      upload.status = done.status();
      if (done.ok()) upload.upload_id = done->upload_id();
    }
  }
}

bool BodySink::HasBodyFor(const std::string& shard) const {
  if (!streaming_) return true;
  const auto found = uploads_.find(shard);
  return found != uploads_.end() && found->second.status.ok();
}

absl::StatusOr<type::v1::MessageBody> BodySink::BodyFor(const std::string& shard) const {
  type::v1::MessageBody body;
  if (!streaming_) {
    body.set_inline_octets(buffer_);
    return body;
  }
  const auto found = uploads_.find(shard);
  if (found == uploads_.end()) return absl::UnavailableError("the content was not uploaded there");
  RETURN_IF_ERROR(found->second.status);
  body.set_upload_id(found->second.upload_id);
  return body;
}

}  // namespace mailmesh::smtp_ingress
