// SEARCH (RFC 3501, 6.4.4), ESEARCH (RFC 4731), MODSEQ (RFC 7162, 3.1.5).
#include "services/imap_gateway/search_program.h"

#include <algorithm>
#include <chrono>

#include "common/imap/search_response.h"
#include "common/rpc/status.h"
#include "common/text/charset.h"
#include "services/imap_gateway/message_set.h"
#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

// Messages that one call has to look at: so its answer stays below what gRPC takes, and it ends in time. How many can be
// read in that time nobody knows before: it begins with few where messages are read.
constexpr uint64_t kSlice = 50'000;
constexpr uint64_t kSliceOfContents = 500;
constexpr auto kShortCall = std::chrono::seconds(1);
constexpr auto kLongCall = std::chrono::seconds(5);

bool ReadsContents(const mailbox::v1::SearchKey& key) {
  using Key = mailbox::v1::SearchKey;
  const auto reads = [](const Key& part) { return ReadsContents(part); };
  switch (key.key_case()) {
    case Key::kAllOf:
      return std::any_of(key.all_of().keys().begin(), key.all_of().keys().end(), reads);
    case Key::kAnyOf:
      return std::any_of(key.any_of().keys().begin(), key.any_of().keys().end(), reads);
    case Key::kNegated:
      return ReadsContents(key.negated());
    case Key::kHeader:
    case Key::kBody:
    case Key::kText:
      return true;
    default:
      return false;
  }
}

// The size of the next slice after one that took so long.
uint64_t NextSlice(uint64_t size, net::Duration took) {
  if (took < kShortCall) return std::min(2 * size, kSlice);
  return took > kLongCall ? std::max<uint64_t>(size / 2, 1) : size;
}

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

// RFC 7162, 3.1.10: where only MIN or MAX is asked for, the MODSEQ is of the messages that are named.
imap::SequenceSet Answered(const imap::SequenceSet& found, const std::optional<imap::SearchReturn>& returns) {
  constexpr imap::SearchReturn kWhole = imap::kReturnAll | imap::kReturnCount;
  if (!returns.has_value() || (*returns & kWhole) != 0 || found.empty()) return found;
  imap::SequenceSet named;
  if ((*returns & imap::kReturnMin) != 0) named.Add(found.Min());
  if ((*returns & imap::kReturnMax) != 0) named.AddRange(found.Max(), found.Max());
  named.Normalise();
  return named;
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

std::optional<SearchProgram> Session::PrepareSearch(imap::SearchKey key, const std::string& charset) {
  auto program = SearchProgram::Make(std::move(key), charset, selected_->client);
  if (rpc::HasReason(program.status(), type::v1::ERROR_REASON_BAD_CHARSET)) {
    No(imap::ResponseCode::BadCharset(text::kCommonCharsets), "Unknown charset.");
    return std::nullopt;
  }
  if (!program.ok()) {
    Bad("Invalid message set.");
    return std::nullopt;
  }
  // RFC 7162, 3.1: asking for MODSEQ makes the client CONDSTORE-aware.
  if (program->uses_modseq()) EnableCondstore();
  return std::move(program).value();
}

// What the store finds among `candidates`.
net::Awaitable<absl::StatusOr<imap::SequenceSet>> Session::SearchStore(mailbox::v1::SearchKey key,
                                                                       imap::SequenceSet candidates) {
  imap::SequenceSet found;
  mailbox::v1::SearchMessagesRequest request;
  request.set_mailbox_id(selected_->id);
  uint64_t size = ReadsContents(key) ? kSliceOfContents : kSlice;
  *request.mutable_key() = std::move(key);
  while (!candidates.empty()) {
    if (kicked_->load() != Kick::kNone) co_return absl::UnavailableError("the session is to end");
    imap::SequenceSet left = candidates;
    const imap::SequenceSet slice = TakeFirst(left, size);
    *request.mutable_within() = ToUidSet(slice, known());
    const net::TimePoint start = net::Clock::now();
    auto response = co_await store_->Call(&Methods::SearchMessages, request);
    if (absl::IsDeadlineExceeded(response.status()) && size > 1) {
      size = std::max<uint64_t>(size / 8, 1);
      continue;
    }
    if (!response.ok()) co_return response.status();
    size = NextSlice(size, net::Clock::now() - start);
    candidates = std::move(left);
    const imap::SequenceSet matches = KeepBoth(slice, ToSequences(FromUidSet(response->uids()), known()));
    for (const imap::SequenceSet::Range& range : matches.ranges()) found.AddRange(range.first, range.last);
  }
  co_return found;
}

Session::Result Session::On(imap::Search command) {
  if (!ViewIsCurrent()) co_return Next::kGoOn;
  const bool saves = command.returns.has_value() && (*command.returns & imap::kReturnSave) != 0;
  if (saves) co_return Bad("SEARCHRES is not offered.");
  const std::optional<SearchProgram> program = PrepareSearch(std::move(command.key), command.charset);
  if (!program.has_value()) co_return Next::kGoOn;
  imap::SequenceSet found = program->MatchView(selected_->client);
  if (program->for_store().has_value() && !found.empty()) {
    mailbox::v1::SearchKey key = *program->for_store();
    auto matches = co_await SearchStore(std::move(key), std::move(found));
    if (!matches.ok()) co_return Fail(matches.status(), "SEARCH");
    found = std::move(*matches);
  }
  const ModSeq modseq(program->uses_modseq() ? GreatestModSeq(Answered(found, command.returns), known()) : 0);
  if (command.uid) found = ExactUids(found, known());
  if (command.returns.has_value()) {
    imap::AppendESearch(out_, tag_, command.uid, *command.returns, found, modseq);
  } else {
    imap::AppendSearch(out_, found, modseq);
  }
  co_return Ok("Search completed.");
}

}  // namespace mailmesh::imap_gateway
