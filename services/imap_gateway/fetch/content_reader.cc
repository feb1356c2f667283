#include "services/imap_gateway/fetch/content_reader.h"

#include <utility>

#include "services/imap_gateway/fetch/uids_after.h"
#include "services/imap_gateway/message_set.h"

namespace mailmesh::imap_gateway {
namespace {

absl::Status BrokenOff() { return absl::DataLossError("the store ended a content before its last octet"); }

}  // namespace

ContentReader::ContentReader(StoreCalls& calls, std::string mailbox_id, imap::SequenceSet uids,
                             std::vector<mailbox::v1::ContentSelector> selectors)
    : calls_(calls), mailbox_id_(std::move(mailbox_id)), uids_(std::move(uids)), selectors_(std::move(selectors)) {
  if (!uids_.empty()) pieces_.push_back({uids_, 0, 0});
}

mailbox::v1::ContentSelector ContentReader::SelectorOf(const Piece& piece, size_t index) const {
  mailbox::v1::ContentSelector selector = selectors_[index];
  if (piece.skip == 0 || index != piece.base) return selector;
  selector.set_offset(selector.offset() + piece.skip);
  if (selector.length() > 0) selector.set_length(selector.length() - piece.skip);
  return selector;
}

net::Awaitable<absl::Status> ContentReader::Start() {
  const Piece& piece = pieces_.front();
  mailbox::v1::FetchContentRequest request;
  request.set_account_id(calls_.account_id());
  request.set_mailbox_id(mailbox_id_);
  *request.mutable_uids() = ToProto(piece.uids);
  for (size_t i = piece.base; i < selectors_.size(); ++i) *request.add_selectors() = SelectorOf(piece, i);
  auto stub = co_await calls_.FindStub();
  if (!stub.ok()) co_return stub.status();
  stub_ = *stub;
  const rpc::CallContext context = calls_.StreamContext();
  stream_.emplace(Stream::Start(stub_->async(), &Methods::FetchContent, request, context));
  co_return absl::OkStatus();
}

bool ContentReader::TakesOne() const {
  return !streams_only_ && !stream_.has_value() && pieces_.front().skip == 0 && pieces_.front().uids.Count() == 1;
}

net::Awaitable<absl::Status> ContentReader::GetOne() {
  const Piece& piece = pieces_.front();
  mailbox::v1::GetContentRequest request;
  request.set_mailbox_id(mailbox_id_);
  request.set_uid(piece.uids.Min());
  for (size_t i = piece.base; i < selectors_.size(); ++i) *request.add_selectors() = SelectorOf(piece, i);
  auto response = co_await calls_.Call(&Methods::GetContent, request);
  if (absl::IsUnimplemented(response.status())) {
    // A store of the version before this call.
    streams_only_ = true;
    co_return absl::OkStatus();
  }
  if (!response.ok()) co_return response.status();
  packet_.mutable_chunks()->Swap(response->mutable_chunks());
  next_ = 0;
  got_one_ = true;
  more_ = response->more();
  co_return absl::OkStatus();
}

net::Awaitable<absl::Status> ContentReader::ReadStream() {
  if (!stream_.has_value()) {
    absl::Status started = co_await Start();
    if (!started.ok()) co_return started;
  }
  auto next = co_await stream_->Read();
  if (!next.ok()) co_return next.status();
  if (next->has_value()) {
    packet_ = std::move(**next);
    next_ = 0;
    failures_ = 0;
  } else {
    pieces_.pop_front();
    stream_.reset();
  }
  co_return absl::OkStatus();
}

// What is to be asked for after a failure, or after the first octets of a large content.
void ContentReader::PlanRest() {
  pieces_.clear();
  if (uid_ != 0) {
    const bool cut = !complete_ && received_ < size_;
    const size_t base = cut ? selector_ : selector_ + 1;
    complete_ = complete_ || !cut;
    if (base < selectors_.size()) pieces_.push_back({imap::SequenceSet(uid_), base, cut ? received_ : 0});
  }
  imap::SequenceSet rest = UidsAfter(uids_, uid_);
  if (!rest.empty()) pieces_.push_back({std::move(rest), 0, 0});
}

// Makes current_ the next chunk; null at the end.
net::Awaitable<absl::Status> ContentReader::Advance() {
  current_ = nullptr;
  while (next_ >= packet_.chunks_size()) {
    if (pieces_.empty()) co_return absl::OkStatus();
    if (got_one_) {
      got_one_ = false;
      if (more_) {
        streams_only_ = true;
        PlanRest();
      } else {
        pieces_.pop_front();
      }
      continue;
    }
    if (TakesOne()) {
      // It has been tried again already.
      absl::Status got = co_await GetOne();
      if (!got.ok()) co_return got;
      continue;
    }
    absl::Status failed = co_await ReadStream();
    if (failed.ok()) continue;
    stream_.reset();
    calls_.Note(failed);
    PlanRest();
    bool again = co_await PauseBeforeResume(failed, ++failures_);
    if (!again) co_return failed;
  }
  current_ = &packet_.chunks(next_++);
  Note();
  co_return absl::OkStatus();
}

// Takes note of where current_ brings us to.
void ContentReader::Note() {
  current_used_ = false;
  const Piece& piece = pieces_.front();
  const size_t selector = current_->selector() + piece.base;
  const bool resumed = piece.skip > 0 && selector == piece.base;
  if (current_->first() && !resumed) {
    size_ = current_->total_bytes();
    received_ = 0;
  }
  uid_ = current_->uid();
  selector_ = selector;
  received_ += current_->octets().size();
  complete_ = current_->last() || current_->missing();
}

net::Awaitable<absl::StatusOr<bool>> ContentReader::Open(uint32_t uid) {
  while (uid_ < uid || (uid_ == 0 && current_ == nullptr)) {
    absl::Status status = co_await Advance();
    if (!status.ok()) co_return status;
    if (current_ == nullptr) co_return false;
  }
  co_return uid_ == uid;
}

net::Awaitable<absl::StatusOr<ContentReader::Section>> ContentReader::OpenSection(size_t selector) {
  const uint32_t uid = uid_;
  while (current_used_ || selector_ != selector) {
    absl::Status status = co_await Advance();
    if (!status.ok()) co_return status;
    if (current_ == nullptr || uid_ != uid || selector_ > selector) co_return BrokenOff();
  }
  Section section;
  section.missing = current_->missing();
  section.size = size_;
  co_return section;
}

net::Awaitable<absl::StatusOr<std::string_view>> ContentReader::Read() {
  for (;;) {
    if (!current_used_) {
      current_used_ = true;
      if (!current_->octets().empty()) co_return std::string_view(current_->octets());
    }
    if (complete_) {
      if (received_ != size_) co_return BrokenOff();
      co_return std::string_view();
    }
    const uint32_t uid = uid_;
    const size_t selector = selector_;
    absl::Status status = co_await Advance();
    if (!status.ok()) co_return status;
    // A failure right at the end of a section resumes behind it.
    if (current_ == nullptr || uid_ != uid || selector_ != selector) co_return BrokenOff();
  }
}

}  // namespace mailmesh::imap_gateway
