// EXPUNGE (RFC 3501, 6.4.3) and UID EXPUNGE (RFC 4315, 2.1).
#include "common/base/random.h"
#include "services/imap_gateway/message_set.h"
#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {

Session::Result Session::On(imap::Expunge command) {
  if (!MayWrite()) co_return Next::kGoOn;
  std::optional<imap::SequenceSet> uids;
  if (command.uids.has_value()) {
    std::optional<imap::SequenceSet> sequences = Resolve(*command.uids, true);
    if (!sequences.has_value()) co_return Next::kGoOn;
    uids = ToUids(*sequences, known());
    if (uids->empty()) co_return Ok("Expunge completed.");
  }
  absl::Status status = co_await ExpungeDeleted(std::move(uids));
  if (!status.ok()) co_return Fail(status, "EXPUNGE");
  co_return Ok("Expunge completed.");
}

// Removes what has \Deleted and waits until the view shows it, so that the untagged EXPUNGE come before the tagged OK.
net::Awaitable<absl::Status> Session::ExpungeDeleted(std::optional<imap::SequenceSet> uids) {
  // Clients say EXPUNGE and CLOSE with nothing to remove; that needs no call, if the view shows this session's changes.
  const VersionPtr newest = selected_->lease.view().version();
  const bool current = store_->shard()->healthy() && newest->modseq() >= selected_->own_modseq;
  if (newest->deleted() == 0 && current) co_return absl::OkStatus();
  mailbox::v1::ExpungeMessagesRequest request;
  request.set_request_id(base::NewIdText());
  request.set_mailbox_id(selected_->id);
  if (uids.has_value()) *request.mutable_uids() = ToProto(*uids);
  auto response = co_await store_->Call(&Methods::ExpungeMessages, request);
  if (!response.ok()) co_return response.status();
  co_await AwaitChange(response->modseq());
  co_return absl::OkStatus();
}

}  // namespace mailmesh::imap_gateway
