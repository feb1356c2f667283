// COPY (RFC 3501, 6.4.7) and MOVE (RFC 6851), with COPYUID (RFC 4315, 3).
#include "common/base/random.h"
#include "services/imap_gateway/message_set.h"
#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

// Copy and move answer alike. Empty: nothing was copied.
template <class Response>
imap::ResponseCode CopyUid(const Response& response) {
  const imap::SequenceSet source = FromUidSet(response.source_uids());
  if (source.empty()) return {};
  return imap::ResponseCode::CopyUid(UidValidity(response.uid_validity()), source,
                                     FromUidSet(response.destination_uids()));
}

}  // namespace

Session::Result Session::On(imap::Copy command) {
  std::optional<imap::SequenceSet> sequences = Resolve(command.set, command.uid);
  if (!sequences.has_value()) co_return Next::kGoOn;
  // RFC 4315, 3: no COPYUID where nothing was copied; RFC 3501, 6.4.8: UIDs that are not there are no error.
  if (sequences->empty()) co_return Ok("No messages copied.");
  mailbox::v1::CopyMessagesRequest request;
  request.set_request_id(base::NewIdText());
  request.set_mailbox_id(selected_->id);
  request.set_to_mailbox(command.mailbox);
  *request.mutable_uids() = ToUidSet(*sequences, known());
  auto response = co_await store_->Call(&Methods::CopyMessages, request);
  if (!response.ok()) co_return Fail(response.status(), "COPY", About::kDestination);
  if (command.mailbox == selected_->name) {
    const bool selected = co_await IsSelected(command.mailbox);
    if (selected) co_await AwaitChange(response->modseq());
  }
  if (!command.uid && response->source_uids().first_size() == 0) co_return AllGone();
  co_return Ok(CopyUid(*response), "Copy completed.");
}

Session::Result Session::On(imap::Move command) {
  if (!MayWrite()) co_return Next::kGoOn;
  std::optional<imap::SequenceSet> sequences = Resolve(command.set, command.uid);
  if (!sequences.has_value()) co_return Next::kGoOn;
  if (sequences->empty()) co_return Ok("No messages moved.");
  mailbox::v1::MoveMessagesRequest request;
  request.set_request_id(base::NewIdText());
  request.set_mailbox_id(selected_->id);
  request.set_to_mailbox(command.mailbox);
  *request.mutable_uids() = ToUidSet(*sequences, known());
  auto response = co_await store_->Call(&Methods::MoveMessages, request);
  if (!response.ok()) co_return Fail(response.status(), "MOVE", About::kDestination);
  // RFC 6851, 4.3: COPYUID comes before the EXPUNGEs, in an untagged OK.
  const imap::ResponseCode code = CopyUid(*response);
  if (!code.empty()) imap::AppendUntaggedStatus(out_, imap::Condition::kOk, code, "Moved UIDs.");
  co_await AwaitChange(response->modseq());
  if (!command.uid && response->source_uids().first_size() == 0) co_return AllGone();
  // RFC 6851, 4.4: "If at least one message was moved, the server MUST send the updated per-mailbox modification sequence
  // using the HIGHESTMODSEQ response code". Not before the client is told of all that it stands for.
  const bool shown = selected_->lease.view().version()->modseq() >= response->modseq();
  if (code.empty() || !shown) co_return Ok("Move completed.");
  co_return Ok(imap::ResponseCode::HighestModSeq(ModSeq(response->modseq())), "Move completed.");
}

// RFC 2180, 4.4 and RFC 5530: another session has removed all that the numbers name.
Session::Next Session::AllGone() { return Refuse(StatusToRefusal(absl::OutOfRangeError("expunged"))); }

}  // namespace mailmesh::imap_gateway
