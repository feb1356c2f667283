#include "services/mailmesh/cli/mailbox_reader.h"

#include <algorithm>

#include "common/base/status.h"

namespace mailmesh::cli {
namespace {

// A batch of content is bounded by its caller; this is for a slow disk, not for a slow idea.
constexpr int kStreamSeconds = 600;
constexpr int kFirstKeywordBit = 16;

}  // namespace

absl::StatusOr<MailboxReader> MailboxReader::Open(const AccountStore& store, const std::string& mailbox) {
  mailbox::v1::OpenMailboxRequest request;
  request.set_account_id(store.account.account_id);
  request.set_mailbox(mailbox);
  ASSIGN_OR_RETURN(const auto opened, Call(store.stub.get(), &StoreStub::OpenMailbox, request));
  MailboxReader reader(store);
  reader.mailbox_id_ = opened.mailbox_id();
  reader.uid_validity_ = opened.uid_validity();
  RETURN_IF_ERROR(reader.ReadView());
  return reader;
}

absl::Status MailboxReader::ReadView() {
  mailbox::v1::ReadViewRequest request;
  request.set_account_id(store_->account.account_id);
  request.set_mailbox_id(mailbox_id_);
  const auto call = NewCall(kStreamSeconds);
  const auto stream = store_->stub->ReadView(call.get(), request);
  mailbox::v1::ReadViewResponse response;
  while (stream->Read(&response)) {
    const auto& page = response.page();
    uint32_t uid = 0;  // the first of a page is as it is
    for (int i = 0; i < page.uid_deltas_size() && i < page.flags_size(); ++i) {
      uid += page.uid_deltas(i);
      uids_.push_back(uid);
      flags_.push_back(page.flags(i));
    }
    if (response.keywords_size() > 0) keywords_.assign(response.keywords().begin(), response.keywords().end());
  }
  return FromGrpc(stream->Finish());
}

absl::StatusOr<std::vector<MessageInfo>> MailboxReader::Describe(std::span<const uint32_t> uids) const {
  mailbox::v1::FetchSummariesRequest request;
  request.set_account_id(store_->account.account_id);
  request.set_mailbox_id(mailbox_id_);
  request.set_internal_date(true);
  request.set_size(true);
  FillUidSet(uids, request.mutable_uids());
  const auto call = NewCall(kStreamSeconds);
  const auto stream = store_->stub->FetchSummaries(call.get(), request);
  std::vector<MessageInfo> found;
  mailbox::v1::FetchSummariesResponse response;
  while (stream->Read(&response)) {
    for (const auto& summary : response.summaries()) {
      const auto known = std::lower_bound(uids_.begin(), uids_.end(), summary.uid());
      if (known == uids_.end() || *known != summary.uid()) continue;
      found.push_back({summary.uid(), flags_[static_cast<size_t>(known - uids_.begin())], summary.internal_date_seconds(),
                       summary.internal_date_zone_minutes(), summary.size_bytes()});
    }
  }
  RETURN_IF_ERROR(FromGrpc(stream->Finish()));
  return found;
}

std::vector<std::string> MailboxReader::FlagNames(uint64_t flags) const {
  static constexpr std::pair<uint64_t, const char*> kSystem[] = {{mailbox::v1::SYSTEM_FLAG_SEEN, "\\Seen"},
                                                                 {mailbox::v1::SYSTEM_FLAG_ANSWERED, "\\Answered"},
                                                                 {mailbox::v1::SYSTEM_FLAG_FLAGGED, "\\Flagged"},
                                                                 {mailbox::v1::SYSTEM_FLAG_DELETED, "\\Deleted"},
                                                                 {mailbox::v1::SYSTEM_FLAG_DRAFT, "\\Draft"}};
  std::vector<std::string> names;
  for (const auto& [bit, name] : kSystem) {
    if ((flags & bit) != 0) names.push_back(name);
  }
  for (size_t i = 0; i < keywords_.size(); ++i) {
    if ((flags >> (kFirstKeywordBit + i) & 1) != 0) names.push_back(keywords_[i]);
  }
  return names;
}

absl::Status MailboxReader::ReadContent(std::span<const uint32_t> uids,
                                        const std::vector<mailbox::v1::ContentSelector>& selectors,
                                        const TakeChunk& take) const {
  mailbox::v1::FetchContentRequest request;
  request.set_account_id(store_->account.account_id);
  request.set_mailbox_id(mailbox_id_);
  FillUidSet(uids, request.mutable_uids());
  for (const auto& selector : selectors) *request.add_selectors() = selector;
  const auto call = NewCall(kStreamSeconds);
  const auto stream = store_->stub->FetchContent(call.get(), request);
  mailbox::v1::FetchContentResponse response;
  while (stream->Read(&response)) {
    for (const auto& chunk : response.chunks()) {
      const absl::Status status = take(chunk);
      if (status.ok()) continue;
      call->TryCancel();
      stream->Finish();
      return status;
    }
  }
  return FromGrpc(stream->Finish());
}

void FillUidSet(std::span<const uint32_t> uids, mailbox::v1::UidSet* set) {
  for (const uint32_t uid : uids) {
    const int size = set->last_size();
    if (size > 0 && set->last(size - 1) + 1 == uid) {
      set->set_last(size - 1, uid);
    } else {
      set->add_first(uid);
      set->add_last(uid);
    }
  }
}

}  // namespace mailmesh::cli
