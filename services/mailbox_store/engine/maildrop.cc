// The POP3 maildrop: an exclusive lease on INBOX, its list of messages, and the removal at QUIT (RFC 1939, 4 to 6).

#include <algorithm>

#include "services/mailbox_store/engine/mailbox_tree.h"
#include "services/mailbox_store/engine/maildrop_leases.h"
#include "services/mailbox_store/engine/mutation.h"
#include "services/mailbox_store/engine/page_walk.h"
#include "services/mailbox_store/engine/removal.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace mailbox::v1;  // NOLINT: eight messages of one contract

constexpr size_t kMaxLeaseId = 128;
constexpr uint32_t kMinLimit = 10;
constexpr uint32_t kMaxLimit = 600;

absl::Status CheckLeaseId(const std::string& lease_id) {
  if (lease_id.empty() || lease_id.size() > kMaxLeaseId) return InvalidRequest("lease_id");
  return absl::OkStatus();
}

std::chrono::seconds Limit(uint32_t seconds) { return std::chrono::seconds(std::clamp(seconds, kMinLimit, kMaxLimit)); }

absl::Status List(Txn& txn, AcquireMaildropResponse* response) {
  ASSIGN_OR_RETURN(const MailboxId inbox, txn.FindMailboxByName(kInboxName));
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* record, txn.Mailbox(inbox));
  response->set_mailbox_id(MailboxIdText(inbox));
  response->set_uid_validity(record->uid_validity());
  const UidSet all = UidSet::All();
  PageWalk walk(txn, ColumnId::kMessages, inbox, all, record->uid_next());
  uint32_t last = 0;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, walk.Next());
    if (!more) return absl::OkStatus();
    for (uint32_t i = walk.NextIndex(0); i < kv::kPageWidth; i = walk.NextIndex(i + 1)) {
      MessageRecord message;
      if (!message.Decode(walk.view().At(i))) return Damaged("message");
      const uint32_t uid = walk.base_uid() + i;
      response->add_uid_deltas(uid - last);
      response->add_sizes_bytes(message.size);
      last = uid;
    }
  }
}

// Leases change nothing on disk; the empty commit makes sure that what was listed is durable.
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
    RETURN_IF_ERROR(store.maildrops().Acquire(txn.number(), request.lease_id(), Limit(request.time_limit_seconds())));
    const absl::Status listed = List(txn, response);
    if (!listed.ok()) store.maildrops().Release(txn.number(), request.lease_id());
    return listed;
  };
  Mutate<AcquireMaildropResponse>(store, request.account_id(), 0, "", std::move(done), stage, Barrier());
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
