// CopyMessages and MoveMessages (RFC 3501, 6.4.7; RFC 6851): within an account, all or none.

#include "services/mailbox_store/engine/copy.h"
#include "services/mailbox_store/engine/mailbox_tree.h"
#include "services/mailbox_store/engine/mutation.h"
#include "services/mailbox_store/engine/removal.h"

namespace mailmesh::mailbox_store {
namespace {

struct Parts {
  MailboxId from;
  MailboxId to;
  UidSet uids;
};

template <class Request>
absl::StatusOr<Parts> Resolve(Txn& txn, const Request& request) {
  const std::optional<MailboxId> from = ParseMailboxId(request.mailbox_id());
  if (!from) return MailboxNotFound(request.mailbox_id());
  Parts parts;
  parts.from = *from;
  ASSIGN_OR_RETURN(parts.uids, UidSet::FromProto(request.uids()));
  ASSIGN_OR_RETURN(parts.to, txn.FindMailboxByName(request.to_mailbox()));
  return parts;
}

template <class Response>
absl::Status Fill(Txn& txn, const Parts& parts, const CopiedUids& copied, Response* response) {
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* to, txn.Mailbox(parts.to));
  response->set_uid_validity(to->uid_validity());
  copied.source.ToProto(response->mutable_source_uids());
  copied.destination.ToProto(response->mutable_destination_uids());
  response->set_modseq(to->highest_modseq());
  return absl::OkStatus();
}

absl::Status Copy(Txn& txn, const mailbox::v1::CopyMessagesRequest& request, mailbox::v1::CopyMessagesResponse* response) {
  ASSIGN_OR_RETURN(const Parts parts, Resolve(txn, request));
  ASSIGN_OR_RETURN(const CopiedUids copied, CopyTo(txn, parts.from, parts.uids, parts.to, {}));
  return Fill(txn, parts, copied, response);
}

absl::Status Move(Txn& txn, const mailbox::v1::MoveMessagesRequest& request, mailbox::v1::MoveMessagesResponse* response) {
  ASSIGN_OR_RETURN(const Parts parts, Resolve(txn, request));
  ASSIGN_OR_RETURN(const CopiedUids copied, CopyTo(txn, parts.from, parts.uids, parts.to, {.moves = true}));
  RETURN_IF_ERROR(RemoveMessages(txn, parts.from, copied.source, {}));
  RETURN_IF_ERROR(Fill(txn, parts, copied, response));
  // The caller waits until its view of the source shows the expunges.
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* from, txn.Mailbox(parts.from));
  response->set_modseq(from->highest_modseq());
  return absl::OkStatus();
}

}  // namespace

void CopyMessages(Store& store, const mailbox::v1::CopyMessagesRequest& request,
                  Done<mailbox::v1::CopyMessagesResponse> done) {
  Mutate<mailbox::v1::CopyMessagesResponse>(
      store, request.account_id(), kCopyRequest, request.request_id(), std::move(done),
      [&](Txn& txn, auto* response, MutationOptions&) { return Copy(txn, request, response); });
}

void MoveMessages(Store& store, const mailbox::v1::MoveMessagesRequest& request,
                  Done<mailbox::v1::MoveMessagesResponse> done) {
  Mutate<mailbox::v1::MoveMessagesResponse>(
      store, request.account_id(), kMoveRequest, request.request_id(), std::move(done),
      [&](Txn& txn, auto* response, MutationOptions&) { return Move(txn, request, response); });
}

}  // namespace mailmesh::mailbox_store
