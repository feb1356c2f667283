#include "services/pop3_gateway/maildrop.h"

#include <asio/this_coro.hpp>
#include <cstdio>

#include "common/base/random.h"
#include "common/base/status.h"
#include "common/rpc/client_call.h"
#include "common/rpc/status.h"

namespace mailmesh::pop3_gateway {
namespace {

using mailbox::v1::MailboxService;
using Methods = class MailboxService::Stub::async;

// The lease outlives a gateway that died by this much. A store that restarts has forgotten it, and grants it again.
constexpr uint32_t kLeaseSeconds = 60;
constexpr absl::Duration kCallTimeout = absl::Seconds(30);
// One message may take as long as its reader needs; the session's own time-out is for silence.
constexpr absl::Duration kStreamTimeout = absl::Hours(24);
constexpr absl::Duration kRenewTimeout = absl::Seconds(10);

net::Awaitable<absl::Status> Renew(std::shared_ptr<MailboxService::Stub> stub, mailbox::v1::RenewMaildropRequest request,
                                   telemetry::Trace trace) {
  rpc::CallContext context = rpc::CallContext::Within(kRenewTimeout, std::move(trace));
  auto response = co_await rpc::UnaryCall(stub->async(), &Methods::RenewMaildrop, request, context);
  co_return response.status();
}

}  // namespace

Maildrop::Maildrop(std::shared_ptr<grpc::Channel> store, Options options)
    : stub_(MailboxService::NewStub(std::move(store))),
      account_id_(std::move(options.account_id)),
      trace_(std::move(options.trace)),
      lease_id_(base::IdHex(base::NewId())) {}

Maildrop::~Maildrop() { EndLease(); }

net::Awaitable<absl::StatusOr<std::unique_ptr<Maildrop>>> Maildrop::Open(std::shared_ptr<grpc::Channel> store,
                                                                         Options options) {
  const auto login_delay = static_cast<uint32_t>(options.login_delay.count());
  std::function<void()> on_lease_lost = std::move(options.on_lease_lost);
  std::unique_ptr<Maildrop> maildrop(new Maildrop(std::move(store), std::move(options)));
  mailbox::v1::AcquireMaildropRequest request;
  request.set_account_id(maildrop->account_id_);
  request.set_lease_id(maildrop->lease_id_);
  request.set_time_limit_seconds(kLeaseSeconds);
  request.set_login_delay_seconds(login_delay);
  rpc::CallContext context = rpc::CallContext::Within(kCallTimeout, maildrop->trace_);
  auto response = co_await rpc::UnaryCall(maildrop->stub_->async(), &Methods::AcquireMaildrop, request, context);
  if (!response.ok()) co_return response.status();
  maildrop->mailbox_id_ = response->mailbox_id();
  maildrop->uid_validity_ = response->uid_validity();
  net::Executor executor = co_await asio::this_coro::executor;
  maildrop->StartLease(std::move(executor), std::move(on_lease_lost));
  if (absl::Status listed = co_await maildrop->List(); !listed.ok()) {
    co_await maildrop->Release();
    co_return listed;
  }
  maildrop->UnmarkAll();
  co_return maildrop;
}

void Maildrop::StartLease(net::Executor executor, std::function<void()> on_lost) {
  mailbox::v1::RenewMaildropRequest request;
  request.set_account_id(account_id_);
  request.set_lease_id(lease_id_);
  request.set_time_limit_seconds(kLeaseSeconds);
  auto renew = [stub = stub_, request = std::move(request), trace = trace_] { return Renew(stub, request, trace); };
  // A store that is away for a while does not end the session: the lease may still be ours when it is back.
  const rpc::LeaseKeeper::Options options{absl::Seconds(kLeaseSeconds), false};
  keeper_ = std::make_shared<rpc::LeaseKeeper>(std::move(executor), options, std::move(renew), std::move(on_lost));
  keeper_->Start();
}

void Maildrop::EndLease() {
  if (keeper_ != nullptr) keeper_->Stop();
}

net::Awaitable<absl::Status> Maildrop::List() {
  mailbox::v1::ListMaildropRequest request;
  request.set_account_id(account_id_);
  request.set_lease_id(lease_id_);
  rpc::CallContext context = rpc::CallContext::Within(kCallTimeout, trace_);
  using ListStream = rpc::ServerStream<mailbox::v1::ListMaildropResponse>;
  ListStream stream = ListStream::Start(stub_->async(), &Methods::ListMaildrop, request, context);
  uint32_t uid = 0;
  for (;;) {
    auto next = co_await stream.Read();
    if (!next.ok()) co_return next.status();
    if (!next->has_value()) co_return absl::OkStatus();
    const mailbox::v1::ListMaildropResponse& response = **next;
    if (response.uid_deltas_size() != response.sizes_bytes_size()) {
      co_return absl::InternalError("maildrop: UIDs and sizes differ in number");
    }
    for (int i = 0; i < response.uid_deltas_size(); ++i) {
      uid += response.uid_deltas(i);
      messages_.push_back({uid, response.sizes_bytes(i), false});
    }
  }
}

const MaildropMessage* Maildrop::Find(uint64_t number) const {
  if (number == 0 || number > messages_.size() || messages_[number - 1].deleted) return nullptr;
  return &messages_[number - 1];
}

std::string Maildrop::UniqueId(const MaildropMessage& message) const {
  char text[32];
  std::snprintf(text, sizeof(text), "%08x.%08x", uid_validity_, message.uid);
  return text;
}

void Maildrop::MarkDeleted(uint64_t number) {
  MaildropMessage& message = messages_[number - 1];
  message.deleted = true;
  --remaining_count_;
  remaining_bytes_ -= message.size_bytes;
}

void Maildrop::UnmarkAll() {
  remaining_count_ = messages_.size();
  remaining_bytes_ = 0;
  for (MaildropMessage& message : messages_) {
    message.deleted = false;
    remaining_bytes_ += message.size_bytes;
  }
}

void Maildrop::StartStream(uint64_t number, std::optional<uint32_t> top_lines, bool ahead) {
  mailbox::v1::FetchContentRequest request;
  request.set_account_id(account_id_);
  request.set_mailbox_id(mailbox_id_);
  request.mutable_uids()->add_first(messages_[number - 1].uid);
  request.mutable_uids()->add_last(ahead ? messages_.back().uid : messages_[number - 1].uid);
  mailbox::v1::ContentSelector* selector = request.add_selectors();
  if (top_lines.has_value()) {
    selector->set_section(mailbox::v1::ContentSelector::SECTION_TOP);
    selector->set_top_lines(*top_lines);
  }
  rpc::CallContext context = rpc::CallContext::Within(kStreamTimeout, trace_);
  stream_.emplace(ContentStream::Start(stub_->async(), &Methods::FetchContent, request, context));
  packet_.Clear();
  next_chunk_ = 0;
  chunk_ = nullptr;
  stream_ahead_ = ahead;
}

net::Awaitable<absl::StatusOr<bool>> Maildrop::NextChunk() {
  while (next_chunk_ >= packet_.chunks_size()) {
    if (!stream_.has_value()) co_return false;
    auto next = co_await stream_->Read();
    if (!next.ok()) {
      stream_.reset();
      co_return next.status();
    }
    if (!next->has_value()) {
      stream_.reset();
      co_return false;
    }
    packet_ = std::move(**next);
    next_chunk_ = 0;
  }
  chunk_ = &packet_.chunks(next_chunk_++);
  co_return true;
}

net::Awaitable<absl::Status> Maildrop::OpenMessage(uint64_t number, std::optional<uint32_t> top_lines) {
  const uint32_t uid = messages_[number - 1].uid;
  const bool next_in_line = !top_lines.has_value() && number == last_number_ + 1;
  last_number_ = top_lines.has_value() ? 0 : number;
  message_ended_ = false;
  open_uid_ = uid;
  if (next_in_line && stream_ahead_ && (stream_.has_value() || next_chunk_ < packet_.chunks_size())) {
    auto more = co_await NextChunk();
    // Messages that are gone from the store are not in the stream; any surprise starts it anew.
    if (more.ok() && *more && chunk_->uid() == uid && chunk_->first()) {
      if (chunk_->missing()) co_return rpc::MakeError(absl::StatusCode::kNotFound, type::v1::ERROR_REASON_MESSAGE_NOT_FOUND, "expunged");
      co_return absl::OkStatus();
    }
  }
  StartStream(number, top_lines, next_in_line && number < messages_.size());
  auto more = co_await NextChunk();
  if (!more.ok()) co_return more.status();
  if (!*more || chunk_->uid() != uid || chunk_->missing()) {
    stream_.reset();
    co_return rpc::MakeError(absl::StatusCode::kNotFound, type::v1::ERROR_REASON_MESSAGE_NOT_FOUND, "expunged");
  }
  co_return absl::OkStatus();
}

net::Awaitable<absl::StatusOr<std::string_view>> Maildrop::ReadMessage() {
  if (message_ended_) co_return std::string_view();
  for (;;) {
    if (chunk_ == nullptr) {
      auto more = co_await NextChunk();
      if (!more.ok()) co_return more.status();
      if (!*more || chunk_->uid() != open_uid_) {
        stream_.reset();
        co_return absl::DataLossError("the store ended a message before its last octet");
      }
    }
    const mailbox::v1::ContentChunk* chunk = chunk_;
    chunk_ = nullptr;
    message_ended_ = chunk->last();
    if (!chunk->octets().empty() || message_ended_) co_return std::string_view(chunk->octets());
  }
}

net::Awaitable<absl::Status> Maildrop::Commit() {
  mailbox::v1::CommitMaildropRequest request;
  request.set_request_id(lease_id_);  // one commit a session
  request.set_account_id(account_id_);
  request.set_lease_id(lease_id_);
  for (const MaildropMessage& message : messages_) {
    if (!message.deleted) continue;
    mailbox::v1::UidSet* set = request.mutable_delete_();
    if (set->last_size() > 0 && set->last(set->last_size() - 1) + 1 == message.uid) {
      set->set_last(set->last_size() - 1, message.uid);
    } else {
      set->add_first(message.uid);
      set->add_last(message.uid);
    }
  }
  stream_.reset();
  released_ = true;
  EndLease();
  rpc::CallContext context = rpc::CallContext::Within(kCallTimeout, trace_);
  auto response = co_await rpc::UnaryCall(stub_->async(), &Methods::CommitMaildrop, request, context);
  co_return response.status();
}

net::Awaitable<void> Maildrop::Release() {
  if (released_) co_return;
  released_ = true;
  EndLease();
  stream_.reset();
  mailbox::v1::ReleaseMaildropRequest request;
  request.set_account_id(account_id_);
  request.set_lease_id(lease_id_);
  rpc::CallContext context = rpc::CallContext::Within(kCallTimeout, trace_);
  // A lease that cannot be given back ends by its time limit.
  [[maybe_unused]] auto response = co_await rpc::UnaryCall(stub_->async(), &Methods::ReleaseMaildrop, request, context);
}

}  // namespace mailmesh::pop3_gateway
