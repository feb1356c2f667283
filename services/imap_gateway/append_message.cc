#include "services/imap_gateway/append_message.h"

#include <utility>

namespace mailmesh::imap_gateway {

net::Awaitable<absl::Status> MessageIntake::Add(std::string_view octets) {
  while (!octets.empty()) {
    const size_t room = kMaxInline - buffer_.size();
    const size_t taken = std::min(room, octets.size());
    buffer_.append(octets.substr(0, taken));
    octets.remove_prefix(taken);
    if (buffer_.size() < kMaxInline || !upload_) continue;
    absl::Status sent = co_await Send();
    if (!sent.ok()) co_return sent;
  }
  co_return absl::OkStatus();
}

net::Awaitable<absl::Status> MessageIntake::Send() {
  mailbox::v1::UploadBodyRequest request;
  if (!stream_.has_value()) {
    auto stub = co_await calls_.FindStub();
    if (!stub.ok()) co_return stub.status();
    stub_ = *stub;
    const rpc::CallContext context = calls_.StreamContext();
    stream_.emplace(Stream::Start(stub_->async(), &Methods::UploadBody, context));
    request.set_account_id(calls_.account_id());
  }
  *request.mutable_chunk()->mutable_octets() = std::move(buffer_);
  buffer_.clear();
  absl::Status written = co_await stream_->Write(std::move(request));
  calls_.Note(written);
  co_return written;
}

net::Awaitable<absl::StatusOr<type::v1::MessageBody>> MessageIntake::Finish() {
  type::v1::MessageBody body;
  if (!upload_) {
    *body.mutable_inline_octets() = std::move(buffer_);
    co_return body;
  }
  if (!buffer_.empty() || !stream_.has_value()) {
    absl::Status sent = co_await Send();
    if (!sent.ok()) co_return sent;
  }
  auto uploaded = co_await stream_->Finish();
  if (!uploaded.ok()) co_return uploaded.status();
  body.set_upload_id(uploaded->upload_id());
  co_return body;
}

}  // namespace mailmesh::imap_gateway
