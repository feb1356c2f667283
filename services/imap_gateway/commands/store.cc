// STORE (RFC 3501, 6.4.6) with UNCHANGEDSINCE (RFC 7162, 3.1.3).
#include "common/base/random.h"
#include "services/imap_gateway/flags.h"
#include "services/imap_gateway/message_set.h"
#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

using mailbox::v1::StoreFlagsRequest;

StoreFlagsRequest::Mode ToMode(imap::Store::Mode mode) {
  switch (mode) {
    case imap::Store::Mode::kReplace:
      return StoreFlagsRequest::MODE_REPLACE;
    case imap::Store::Mode::kAdd:
      return StoreFlagsRequest::MODE_ADD;
    case imap::Store::Mode::kRemove:
      return StoreFlagsRequest::MODE_REMOVE;
  }
  return StoreFlagsRequest::MODE_UNSPECIFIED;
}

}  // namespace

Session::Result Session::On(imap::Store command) {
  if (!MayWrite() || !ViewIsCurrent()) co_return Next::kGoOn;
  std::optional<imap::SequenceSet> sequences = Resolve(command.set, command.uid);
  if (!sequences.has_value()) co_return Next::kGoOn;
  // RFC 7162, 3.1: UNCHANGEDSINCE makes the client CONDSTORE-aware.
  if (command.unchanged_since.has_value()) EnableCondstore();
  if (sequences->empty()) co_return Ok("Store completed.");
  StoreFlagsRequest request;
  request.set_request_id(base::NewIdText());
  request.set_mailbox_id(selected_->id);
  *request.mutable_uids() = ToUidSet(*sequences, known());
  request.set_mode(ToMode(command.mode));
  *request.mutable_flags() = ToFlagList(command.flags);
  if (command.unchanged_since.has_value()) request.set_unchanged_since(*command.unchanged_since);
  auto response = co_await store_->Call(&Methods::StoreFlags, request);
  if (!response.ok()) co_return Fail(response.status(), "STORE");
  co_await AwaitChange(response->modseq());

  // The keywords of the new version: the command may have made one.
  const VersionPtr newest = selected_->lease.view().version();
  OwnStore own{ToUids(*sequences, known()), command.mode, FlagBits(newest->keywords(), command.flags)};
  ClientView::Options options = TellOptions(command.uid, command.uid);
  // RFC 7162, 3.1.3: a CONDSTORE-aware client is told the new MODSEQ even with .SILENT.
  if (command.silent && !condstore_) options.silent = &own;
  // What the command names is known by its numbers of now: those are for the MODIFIED code.
  const VersionPtr before = selected_->client.shared_known();
  Next next = co_await Tell(options);
  if (next == Next::kClose) co_return next;

  const imap::SequenceSet modified = FromUidSet(response->modified());
  if (!modified.empty()) {
    const imap::SequenceSet named = command.uid ? modified : ToSequences(modified, *before);
    co_return Ok(imap::ResponseCode::Modified(named), "Conditional store failed for some messages.");
  }
  // RFC 2180, 4.2: messages that another session has removed; UIDs that are not there are no error.
  if (!command.uid && response->missing().first_size() > 0) {
    co_return Refuse(StatusToRefusal(absl::OutOfRangeError("expunged")));
  }
  co_return Ok("Store completed.");
}

}  // namespace mailmesh::imap_gateway
