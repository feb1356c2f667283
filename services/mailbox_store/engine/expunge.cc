// ExpungeMessages: removes messages with \Deleted (RFC 3501, 6.4.3; UID EXPUNGE of RFC 4315, 2.1).

#include "services/mailbox_store/engine/mutation.h"
#include "services/mailbox_store/engine/removal.h"

namespace mailmesh::mailbox_store {

using mailbox::v1::ExpungeMessagesRequest;
using mailbox::v1::ExpungeMessagesResponse;

namespace {

absl::Status Stage(Txn& txn, const ExpungeMessagesRequest& request, ExpungeMessagesResponse* response) {
  const std::optional<MailboxId> id = ParseMailboxId(request.mailbox_id());
  if (!id) return MailboxNotFound(request.mailbox_id());
  UidSet uids = UidSet::All();
  if (request.has_uids()) {
    ASSIGN_OR_RETURN(uids, UidSet::FromProto(request.uids()));
  }
  RemovalOptions options;
  options.only_deleted = true;
  ASSIGN_OR_RETURN(const UidSet removed, RemoveMessages(txn, *id, uids, options));
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* record, txn.Mailbox(*id));
  removed.ToProto(response->mutable_expunged());
  response->set_modseq(record->highest_modseq());
  return absl::OkStatus();
}

}  // namespace

void ExpungeMessages(Store& store, const ExpungeMessagesRequest& request, Done<ExpungeMessagesResponse> done) {
  MutationOptions options;
  options.commit.grows = false;
  Mutate<ExpungeMessagesResponse>(
      store, request.account_id(), kExpungeRequest, request.request_id(), std::move(done),
      [&](Txn& txn, ExpungeMessagesResponse* response, MutationOptions&) { return Stage(txn, request, response); }, options);
}

}  // namespace mailmesh::mailbox_store
