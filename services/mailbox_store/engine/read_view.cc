// ReadView: a mailbox's messages as the gateways keep them, column by column.

#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/reads.h"

namespace mailmesh::mailbox_store {
namespace {

// At most 25 octets a message, some eight as a rule.
constexpr int kMessagesOfAResponse = 10'000;

class ViewReader final : public StreamReader<mailbox::v1::ReadViewResponse> {
 public:
  ViewReader(std::unique_ptr<ReadScope> scope, MailboxId id, storage::v1::MailboxRecord record)
      : scope_(std::move(scope)), record_(std::move(record)), scan_(*scope_, id, all_) {}

  absl::StatusOr<bool> Next(mailbox::v1::ReadViewResponse* response) override {
    if (ended_) return false;
    ViewPageWriter page(response->mutable_page());
    for (int i = 0; i < kMessagesOfAResponse; ++i) {
      ASSIGN_OR_RETURN(const bool more, scan_.Next());
      if (!more) {
        Finish(response);
        return true;
      }
      page.Add(scan_.uid(), scan_.record().flags, scan_.record().modseq);
    }
    return true;
  }

 private:
  void Finish(mailbox::v1::ReadViewResponse* response) {
    ended_ = true;
    response->set_highest_modseq(record_.highest_modseq());
    response->set_uid_next(record_.uid_next());
    *response->mutable_keywords() = record_.keywords();
    response->set_incarnation(scope_->store().incarnation());
  }

  const UidSet all_ = UidSet::All();
  const std::unique_ptr<ReadScope> scope_;
  const storage::v1::MailboxRecord record_;
  MessageScan scan_;
  bool ended_ = false;
};

}  // namespace

absl::StatusOr<StreamReaderPtr<mailbox::v1::ReadViewResponse>> ReadView(Store& store,
                                                                        const mailbox::v1::ReadViewRequest& request) {
  ASSIGN_OR_RETURN(auto scope, ReadScope::Open(store, request.account_id()));
  const std::optional<MailboxId> id = ParseMailboxId(request.mailbox_id());
  if (!id) return MailboxNotFound(request.mailbox_id());
  ASSIGN_OR_RETURN(storage::v1::MailboxRecord record, scope->Mailbox(*id));
  return std::make_unique<ViewReader>(std::move(scope), *id, std::move(record));
}

}  // namespace mailmesh::mailbox_store
