// SEARCH (RFC 3501, 6.4.4), ESEARCH (RFC 4731), MODSEQ (RFC 7162, 3.1.5).
#include "services/imap_gateway/search_program.h"

#include "common/imap/search_response.h"
#include "common/rpc/status.h"
#include "services/imap_gateway/message_set.h"
#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

// RFC 7162, 3.1.5: the greatest MODSEQ of what was found.
uint64_t GreatestModSeq(const imap::SequenceSet& sequences, const Version& known) {
  uint64_t greatest = 0;
  for (const imap::SequenceSet::Range& range : sequences.ranges()) {
    known.ForEach(range.first, range.last, [&](uint32_t, const Message& message) {
      greatest = std::max(greatest, message.modseq);
      return true;
    });
  }
  return greatest;
}

// The UIDs of the messages alone: a range of ToUids() spans UIDs that are nobody's, and those may not be told.
imap::SequenceSet ExactUids(const imap::SequenceSet& sequences, const Version& known) {
  imap::SequenceSet uids;
  for (const imap::SequenceSet::Range& range : sequences.ranges()) {
    known.ForEach(range.first, range.last, [&](uint32_t, const Message& message) {
      uids.Add(message.uid);
      return true;
    });
  }
  return uids;
}

}  // namespace

Session::Result Session::On(imap::Search command) {
  if (!ViewIsCurrent()) co_return Next::kGoOn;
  const bool saves = command.returns.has_value() && (*command.returns & imap::kReturnSave) != 0;
  if (saves) co_return Bad("SEARCHRES is not offered.");
  auto program = SearchProgram::Make(std::move(command.key), command.charset, selected_->client);
  if (rpc::HasReason(program.status(), type::v1::ERROR_REASON_BAD_CHARSET)) {
    const std::string_view supported[] = {"UTF-8", "US-ASCII"};
    co_return No(imap::ResponseCode::BadCharset(supported), "Unknown charset.");
  }
  if (!program.ok()) co_return Bad("Invalid message set.");
  if (program->uses_modseq()) condstore_ = true;
  imap::SequenceSet found = program->MatchView(selected_->client);
  if (program->for_store().has_value() && !found.empty()) {
    mailbox::v1::SearchMessagesRequest request;
    request.set_mailbox_id(selected_->id);
    *request.mutable_key() = *program->for_store();
    *request.mutable_within() = ToUidSet(found, known());
    auto response = co_await store_->Call(&Methods::SearchMessages, request);
    if (!response.ok()) co_return Fail(response.status(), "SEARCH");
    found = KeepBoth(found, ToSequences(FromUidSet(response->uids()), known()));
  }
  const ModSeq modseq(program->uses_modseq() ? GreatestModSeq(found, known()) : 0);
  if (command.uid) found = ExactUids(found, known());
  if (command.returns.has_value()) {
    imap::AppendESearch(out_, tag_, command.uid, *command.returns, found, modseq);
  } else {
    imap::AppendSearch(out_, found, modseq);
  }
  co_return Ok("Search completed.");
}

}  // namespace mailmesh::imap_gateway
