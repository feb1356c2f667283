// FetchSummaries: stored forms, copied as they are.

#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/reads.h"
#include "services/mailbox_store/engine/search_record.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::FetchSummariesRequest;
using mailbox::v1::FetchSummariesResponse;
using mailbox::v1::MessageSummary;

class SummaryReader final : public StreamReader<FetchSummariesResponse> {
 public:
  SummaryReader(std::unique_ptr<ReadScope> scope, MailboxId id, UidSet uids, const FetchSummariesRequest& request)
      : scope_(std::move(scope)), uids_(std::move(uids)), wants_(request), scan_(*scope_, id, uids_) {
    wants_.clear_uids();
    auto open = [&](SummaryKind kind) { return std::make_unique<PagedColumn>(PagedColumn::Summaries(*scope_, id, kind)); };
    if (wants_.internal_date() || wants_.save_date()) {
      entries_ = std::make_unique<PagedColumn>(PagedColumn::Entries(*scope_, id));
    }
    if (wants_.envelope()) envelopes_ = open(SummaryKind::kEnvelope);
    if (wants_.body()) bodies_ = open(SummaryKind::kBody);
    if (wants_.body_structure()) body_structures_ = open(SummaryKind::kBodyStructure);
    if (wants_.message_id()) searches_ = open(SummaryKind::kSearch);
  }

  absl::StatusOr<bool> Next(FetchSummariesResponse* response) override {
    size_t octets = 0;
    while (octets < kResponseOctets) {
      ASSIGN_OR_RETURN(const bool more, scan_.Next());
      if (!more) break;
      MessageSummary* summary = response->add_summaries();
      RETURN_IF_ERROR(Fill(summary));
      octets += kFixedOctets + summary->envelope().size() + summary->body().size() + summary->body_structure().size() +
                summary->message_id().size();
    }
    return response->summaries_size() > 0;
  }

 private:
  static constexpr size_t kFixedOctets = 32;

  absl::Status Fill(MessageSummary* summary) {
    const uint32_t uid = scan_.uid();
    summary->set_uid(uid);
    if (wants_.size()) summary->set_size_bytes(scan_.record().size);
    if (entries_ != nullptr) {
      ASSIGN_OR_RETURN(const std::string_view octets, entries_->At(uid));
      EntryRecord entry;
      if (!entry.Decode(octets)) return Damaged("entry");
      if (wants_.internal_date()) {
        summary->set_internal_date_seconds(entry.internal_seconds);
        summary->set_internal_date_zone_minutes(entry.zone_minutes);
      }
      if (wants_.save_date()) summary->set_save_date_seconds(entry.save_seconds);
    }
    RETURN_IF_ERROR(Copy(envelopes_, uid, summary->mutable_envelope()));
    RETURN_IF_ERROR(Copy(bodies_, uid, summary->mutable_body()));
    RETURN_IF_ERROR(Copy(body_structures_, uid, summary->mutable_body_structure()));
    if (searches_ == nullptr) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::string_view octets, searches_->At(uid));
    SearchRecord record;
    if (!DecodeSearchRecord(octets, &record)) return Damaged("search record");
    summary->set_message_id(std::string(record.texts[kMessageId]));
    return absl::OkStatus();
  }

  static absl::Status Copy(const std::unique_ptr<PagedColumn>& column, uint32_t uid, std::string* out) {
    if (column == nullptr) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::string_view octets, column->At(uid));
    out->assign(octets);
    return absl::OkStatus();
  }

  const std::unique_ptr<ReadScope> scope_;
  const UidSet uids_;
  FetchSummariesRequest wants_;
  MessageScan scan_;
  std::unique_ptr<PagedColumn> entries_;
  std::unique_ptr<PagedColumn> envelopes_;
  std::unique_ptr<PagedColumn> bodies_;
  std::unique_ptr<PagedColumn> body_structures_;
  std::unique_ptr<PagedColumn> searches_;
};

}  // namespace

absl::StatusOr<StreamReaderPtr<FetchSummariesResponse>> FetchSummaries(Store& store, const FetchSummariesRequest& request) {
  ASSIGN_OR_RETURN(auto scope, ReadScope::Open(store, request.account_id()));
  const std::optional<MailboxId> id = ParseMailboxId(request.mailbox_id());
  if (!id) return MailboxNotFound(request.mailbox_id());
  RETURN_IF_ERROR(scope->Mailbox(*id));
  ASSIGN_OR_RETURN(UidSet uids, UidSet::FromProto(request.uids()));
  return std::make_unique<SummaryReader>(std::move(scope), *id, std::move(uids), request);
}

}  // namespace mailmesh::mailbox_store
