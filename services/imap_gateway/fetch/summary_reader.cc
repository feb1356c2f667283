#include "services/imap_gateway/fetch/summary_reader.h"

#include <utility>

#include "services/imap_gateway/fetch/uids_after.h"
#include "services/imap_gateway/message_set.h"

namespace mailmesh::imap_gateway {

SummaryReader::SummaryReader(StoreCalls& calls, mailbox::v1::FetchSummariesRequest request, imap::SequenceSet uids)
    : calls_(calls), request_(std::move(request)), uids_(std::move(uids)) {
  request_.set_account_id(calls.account_id());
}

net::Awaitable<absl::Status> SummaryReader::Start() {
  const imap::SequenceSet left = UidsAfter(uids_, last_uid_);
  ended_ = left.empty();
  if (ended_) co_return absl::OkStatus();
  *request_.mutable_uids() = ToProto(left);
  auto stub = co_await calls_.FindStub();
  if (!stub.ok()) co_return stub.status();
  stub_ = *stub;
  const rpc::CallContext context = calls_.StreamContext();
  stream_.emplace(rpc::ServerStream<mailbox::v1::FetchSummariesResponse>::Start(
      stub_->async(), &Methods::FetchSummaries, request_, context));
  co_return absl::OkStatus();
}

// Makes current_ the next summary; null at the end.
net::Awaitable<absl::Status> SummaryReader::Advance() {
  current_ = nullptr;
  while (next_ >= packet_.summaries_size()) {
    if (ended_) co_return absl::OkStatus();
    absl::Status failed;
    if (!stream_.has_value()) failed = co_await Start();
    if (failed.ok() && stream_.has_value()) {
      auto next = co_await stream_->Read();
      failed = next.status();
      if (next.ok() && next->has_value()) {
        packet_ = std::move(**next);
        next_ = 0;
        failures_ = 0;
      } else if (next.ok()) {
        ended_ = true;
        stream_.reset();
      }
    }
    if (failed.ok()) continue;
    stream_.reset();
    calls_.Note(failed);
    bool again = co_await PauseBeforeResume(failed, ++failures_);
    if (!again) co_return failed;
  }
  current_ = &packet_.summaries(next_++);
  last_uid_ = current_->uid();
  co_return absl::OkStatus();
}

net::Awaitable<absl::StatusOr<const mailbox::v1::MessageSummary*>> SummaryReader::Find(uint32_t uid) {
  while (current_ == nullptr || current_->uid() < uid) {
    absl::Status status = co_await Advance();
    if (!status.ok()) co_return status;
    if (current_ == nullptr) co_return current_;
  }
  co_return current_->uid() == uid ? current_ : nullptr;
}

}  // namespace mailmesh::imap_gateway
