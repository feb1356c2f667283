// STORE (RFC 3501, 6.4.6) with UNCHANGEDSINCE (RFC 7162, 3.1.3).
#include <algorithm>

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

// Messages told of before what was said may be written.
constexpr uint64_t kBatch = 256;

void AddUids(const mailbox::v1::UidSet& uids, imap::SequenceSet& set) {
  for (int i = 0; i < uids.first_size() && i < uids.last_size(); ++i) set.AddRange(uids.first(i), uids.last(i));
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
  request.set_mode(ToMode(command.mode));
  *request.mutable_flags() = ToFlagList(command.flags);
  if (command.unchanged_since.has_value()) request.set_unchanged_since(*command.unchanged_since);
  auto stored = co_await StoreFlags(std::move(request), *sequences, selected_->client.shared_known());
  if (!stored.ok()) co_return Fail(stored.status(), "STORE");

  // The keywords of the new version: the command may have made one.
  const VersionPtr newest = selected_->lease.view().version();
  OwnStore own{ToUids(*sequences, known()), command.mode, FlagBits(newest->keywords(), command.flags)};
  ClientView::Options options = TellOptions(command.uid, command.uid);
  // RFC 7162, 3.1.3: a CONDSTORE-aware client is told the new MODSEQ even with .SILENT.
  if (command.silent && !condstore_) options.silent = &own;
  // What the command names is known by its numbers of now: those are for the MODIFIED code.
  const VersionPtr before = selected_->client.shared_known();
  Next next = Next::kGoOn;
  if (command.unchanged_since.has_value()) {
    next = co_await TellUnchanged(*sequences, stored->modified, newest, command.uid);
    if (next == Next::kClose) co_return next;
  }
  next = co_await Tell(options);
  if (next == Next::kClose) co_return next;

  if (!stored->modified.empty()) {
    const imap::SequenceSet named = command.uid ? stored->modified : ToSequences(stored->modified, *before);
    co_return Ok(imap::ResponseCode::Modified(named), "Conditional store failed for some messages.");
  }
  // RFC 2180, 4.2: messages that another session has removed; UIDs that are not there are no error, and UIDs between the
  // messages are nobody's.
  if (!command.uid && !ToSequences(stored->missing, *before).empty()) {
    co_return Refuse(StatusToRefusal(absl::OutOfRangeError("expunged")));
  }
  co_return Ok("Store completed.");
}

// Changes the flags of messages of `version`, and waits until the view shows it.
net::Awaitable<absl::StatusOr<Session::StoredFlags>> Session::StoreFlags(StoreFlagsRequest request,
                                                                         imap::SequenceSet sequences,
                                                                         VersionPtr version) {
  StoredFlags stored;
  request.set_mailbox_id(selected_->id);
  while (!sequences.empty()) {
    request.set_request_id(base::NewIdText());
    *request.mutable_uids() = ToUidSet(TakeFirst(sequences, kMaxNamed), *version);
    auto response = co_await store_->Call(&Methods::StoreFlags, request);
    if (!response.ok()) {
      // What went before is this session's change all the same.
      if (stored.modseq > 0) co_await AwaitChange(stored.modseq);
      co_return response.status();
    }
    stored.modseq = std::max(stored.modseq, response->modseq());
    AddUids(response->modified(), stored.modified);
    AddUids(response->missing(), stored.missing);
  }
  co_await AwaitChange(stored.modseq);
  co_return stored;
}

// RFC 7162, 3.1.3: after a conditional STORE "An untagged FETCH response MUST be sent [...] and the response MUST include the
// MODSEQ": here for messages that had the flags already, and so kept their MODSEQ (3.1.11). Changes are told by Tell().
Session::Result Session::TellUnchanged(imap::SequenceSet sequences, imap::SequenceSet modified, VersionPtr newest,
                                       bool uid) {
  const VersionPtr before = selected_->client.shared_known();
  while (!sequences.empty()) {
    const imap::SequenceSet batch = TakeFirst(sequences, kBatch);
    for (const uint32_t sequence : batch) {
      const Message message = before->At(sequence);
      const uint32_t now = newest->SequenceOf(message.uid);
      if (now == 0 || newest->At(now).modseq != message.modseq || modified.Contains(message.uid)) continue;
      imap::FetchResponse response(&out_, SequenceNumber(sequence));
      if (uid) response.Uid(Uid(message.uid));
      response.ModSeq(ModSeq(message.modseq));
      response.End();
    }
    bool flushed = co_await FlushIfLarge();
    if (!flushed) co_return Next::kClose;
  }
  co_return Next::kGoOn;
}

}  // namespace mailmesh::imap_gateway
