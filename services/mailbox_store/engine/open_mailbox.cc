// OpenMailbox and ClaimRecent: what SELECT needs before the view, and \Recent, which each message is to one session only
// (RFC 3501, 2.3.2).
//
// A claim is written but waits for no sync: lost in a crash, it would make messages \Recent once more, which does no harm.

#include "services/mailbox_store/engine/mutation.h"
#include "services/mailbox_store/engine/reads.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::ClaimRecentRequest;
using mailbox::v1::ClaimRecentResponse;
using mailbox::v1::OpenMailboxRequest;
using mailbox::v1::OpenMailboxResponse;

// [first, uid_next) were nobody's yet; 0: none.
absl::StatusOr<uint32_t> Claim(Txn& txn, MailboxId id) {
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* record, txn.Mailbox(id));
  const uint32_t first = record->recent_from();
  if (first >= record->uid_next()) return 0;
  const bool any = record->recent() > 0;
  ASSIGN_OR_RETURN(storage::v1::MailboxRecord * edited, txn.EditMailbox(id));
  edited->set_recent_from(edited->uid_next());
  edited->set_recent(0);
  return any ? first : 0;
}

absl::Status Open(Txn& txn, const OpenMailboxRequest& request, OpenMailboxResponse* response) {
  ASSIGN_OR_RETURN(const MailboxId id, txn.FindMailboxByName(request.mailbox()));
  uint32_t recent_first = 0;
  if (request.claim_recent()) {
    ASSIGN_OR_RETURN(recent_first, Claim(txn, id));
  }
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* record, txn.Mailbox(id));
  FillOpenResponse(txn.store(), id, *record, response);
  if (request.claim_recent()) response->set_recent_first(recent_first);
  return absl::OkStatus();
}

MutationOptions Unsynced() {
  MutationOptions options;
  options.commit.sync = false;
  options.commit.grows = false;
  return options;
}

}  // namespace

void OpenMailbox(Store& store, const OpenMailboxRequest& request, Done<OpenMailboxResponse> done) {
  // EXAMINE changes nothing, and SELECT mostly finds nothing to claim: reads of what is durable, which wait neither for the
  // account's lock nor for the pipeline. Messages that are not durable yet are not there for anybody.
  absl::StatusOr<OpenMailboxResponse> durable = ReadOpenMailbox(store, request);
  if (!durable.ok() || !request.claim_recent() || durable->recent_first() == 0) return done(std::move(durable));
  Mutate<OpenMailboxResponse>(
      store, request.account_id(), 0, "", std::move(done),
      [&](Txn& txn, OpenMailboxResponse* response, MutationOptions&) { return Open(txn, request, response); }, Unsynced());
}

void ClaimRecent(Store& store, const ClaimRecentRequest& request, Done<ClaimRecentResponse> done) {
  auto stage = [&](Txn& txn, ClaimRecentResponse* response, MutationOptions&) -> absl::Status {
    const std::optional<MailboxId> id = ParseMailboxId(request.mailbox_id());
    if (!id) return MailboxNotFound(request.mailbox_id());
    ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* record, txn.Mailbox(*id));
    const uint32_t last = record->uid_next() - 1;
    ASSIGN_OR_RETURN(const uint32_t first, Claim(txn, *id));
    if (first != 0) {
      response->set_first(first);
      response->set_last(last);
    }
    return absl::OkStatus();
  };
  Mutate<ClaimRecentResponse>(store, request.account_id(), 0, "", std::move(done), stage, Unsynced());
}

}  // namespace mailmesh::mailbox_store
