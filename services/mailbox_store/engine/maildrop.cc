// The POP3 maildrop: an exclusive lease on INBOX, its list of messages, and the removal at QUIT (RFC 1939, 4 to 6).

#include <algorithm>

#include "services/mailbox_store/engine/mailbox_tree.h"
#include "services/mailbox_store/engine/maildrop_leases.h"
#include "services/mailbox_store/engine/mutation.h"
#include "services/mailbox_store/engine/reads.h"
#include "services/mailbox_store/engine/removal.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace mailbox::v1;  // NOLINT: eight messages of one contract

constexpr size_t kMaxLeaseId = 128;
constexpr uint32_t kMinLimit = 10;
constexpr uint32_t kMaxLimit = 600;
constexpr uint32_t kMaxLoginDelay = 86'400;
constexpr int kMessagesOfAResponse = 10'000;

absl::Status CheckLeaseId(const std::string& lease_id) {
  if (lease_id.empty() || lease_id.size() > kMaxLeaseId) return InvalidRequest("lease_id");
  return absl::OkStatus();
}

std::chrono::seconds Limit(uint32_t seconds) { return std::chrono::seconds(std::clamp(seconds, kMinLimit, kMaxLimit)); }

std::chrono::seconds LoginDelay(uint32_t seconds) { return std::chrono::seconds(std::min(seconds, kMaxLoginDelay)); }

absl::Status Describe(Txn& txn, AcquireMaildropResponse* response) {
  ASSIGN_OR_RETURN(const MailboxId inbox, txn.FindMailboxByName(kInboxName));
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* record, txn.Mailbox(inbox));
  response->set_mailbox_id(MailboxIdText(inbox));
  response->set_uid_validity(record->uid_validity());
  return absl::OkStatus();
}

class MaildropReader final : public StreamReader<ListMaildropResponse> {
 public:
  MaildropReader(std::unique_ptr<ReadScope> scope, MailboxId inbox) : scope_(std::move(scope)), scan_(*scope_, inbox, all_) {}

  absl::StatusOr<bool> Next(ListMaildropResponse* response) override {
    while (response->uid_deltas_size() < kMessagesOfAResponse) {
      ASSIGN_OR_RETURN(const bool more, scan_.Next());
      if (!more) break;
      response->add_uid_deltas(scan_.uid() - last_);
      response->add_sizes_bytes(scan_.record().size);
      last_ = scan_.uid();
    }
    return response->uid_deltas_size() > 0;
  }

 private:
  const UidSet all_ = UidSet::All();
  const std::unique_ptr<ReadScope> scope_;
  MessageScan scan_;
  uint32_t last_ = 0;
};

// Leases change nothing on disk; the empty commit makes sure that what the head holds is durable when
// the list is read.
MutationOptions Barrier() {
  MutationOptions options;
  options.commit.sync = false;
  options.commit.grows = false;
  return options;
}

}  // namespace

void AcquireMaildrop(Store& store, const AcquireMaildropRequest& request, Done<AcquireMaildropResponse> done) {
  auto stage = [&](Txn& txn, AcquireMaildropResponse* response, MutationOptions&) -> absl::Status {
    RETURN_IF_ERROR(CheckLeaseId(request.lease_id()));
    RETURN_IF_ERROR(store.maildrops().Acquire(txn.number(), request.lease_id(), Limit(request.time_limit_seconds()),
                                              LoginDelay(request.login_delay_seconds())));
    const absl::Status described = Describe(txn, response);
    if (!described.ok()) store.maildrops().Release(txn.number(), request.lease_id());
    return described;
  };
  Mutate<AcquireMaildropResponse>(store, request.account_id(), 0, "", std::move(done), stage, Barrier());
}

absl::StatusOr<StreamReaderPtr<ListMaildropResponse>> ListMaildrop(Store& store, const ListMaildropRequest& request) {
  RETURN_IF_ERROR(CheckLeaseId(request.lease_id()));
  ASSIGN_OR_RETURN(auto scope, ReadScope::Open(store, request.account_id()));
  RETURN_IF_ERROR(store.maildrops().Check(scope->account(), request.lease_id()));
  ASSIGN_OR_RETURN(const MailboxId inbox, scope->FindMailboxByName(kInboxName));
  return std::make_unique<MaildropReader>(std::move(scope), inbox);
}

void RenewMaildrop(Store& store, const RenewMaildropRequest& request, Done<RenewMaildropResponse> done) {
  auto run = [&]() -> absl::StatusOr<RenewMaildropResponse> {
    RETURN_IF_ERROR(CheckLeaseId(request.lease_id()));
    ASSIGN_OR_RETURN(const AccountPtr account, store.FindAccount(request.account_id()));
    RETURN_IF_ERROR(store.maildrops().Renew(account->number(), request.lease_id(), Limit(request.time_limit_seconds())));
    return RenewMaildropResponse();
  };
  done(run());
}

void ReleaseMaildrop(Store& store, const ReleaseMaildropRequest& request, Done<ReleaseMaildropResponse> done) {
  auto run = [&]() -> absl::StatusOr<ReleaseMaildropResponse> {
    ASSIGN_OR_RETURN(const AccountPtr account, store.FindAccount(request.account_id()));
    store.maildrops().Release(account->number(), request.lease_id());
    return ReleaseMaildropResponse();
  };
  done(run());
}

void CommitMaildrop(Store& store, const CommitMaildropRequest& request, Done<CommitMaildropResponse> done) {
  auto stage = [&](Txn& txn, CommitMaildropResponse* response, MutationOptions&) -> absl::Status {
    RETURN_IF_ERROR(CheckLeaseId(request.lease_id()));
    RETURN_IF_ERROR(store.maildrops().Check(txn.number(), request.lease_id()));
    ASSIGN_OR_RETURN(const UidSet uids, UidSet::FromProto(request.delete_()));
    ASSIGN_OR_RETURN(const MailboxId inbox, txn.FindMailboxByName(kInboxName));
    ASSIGN_OR_RETURN(const UidSet removed, RemoveMessages(txn, inbox, uids, {}));
    response->set_deleted(static_cast<uint32_t>(removed.size()));
    return absl::OkStatus();
  };
  MutationOptions options;
  options.commit.grows = false;
  // The lease goes when the removal is durable, not before: the next session must not list what is about to go.
  auto finished = [&store, account_id = request.account_id(), lease_id = request.lease_id(),
                   done = std::move(done)](absl::StatusOr<CommitMaildropResponse> response) mutable {
    if (response.ok()) {
      if (const auto account = store.FindAccount(account_id); account.ok()) {
        store.maildrops().Release((*account)->number(), lease_id);
      }
    }
    done(std::move(response));
  };
  Mutate<CommitMaildropResponse>(store, request.account_id(), kMaildropRequest, request.request_id(), std::move(finished),
                                 stage, options);
}

}  // namespace mailmesh::mailbox_store
