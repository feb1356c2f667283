// FETCH (RFC 3501, 6.4.5, 7.4.2) with CHANGEDSINCE (RFC 7162, 3.1.4).
//
// What the view knows (UID, FLAGS, MODSEQ) is answered from it without a call. Dates, sizes, ENVELOPE and BODYSTRUCTURE
// come from one FetchSummaries call for the whole set, octets from one FetchContent call, both streamed.
#include "services/imap_gateway/commands/fetch_job.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "services/imap_gateway/message_set.h"
#include "services/imap_gateway/session_limits.h"

namespace mailmesh::imap_gateway {
namespace {

using imap::FetchItem;

// Messages answered from the view before what was said is written.
constexpr uint32_t kBatch = 256;
// mailbox.v1: selectors of one FetchContent.
constexpr size_t kMaxSections = 100;

imap::SequenceSet ChangedSince(const imap::SequenceSet& sequences, uint64_t modseq, const Version& known) {
  imap::SequenceSet changed;
  for (const imap::SequenceSet::Range& range : sequences.ranges()) {
    known.ForEach(range.first, range.last, [&](uint32_t sequence, const Message& message) {
      if (message.modseq > modseq) changed.Add(sequence);
      return true;
    });
  }
  return changed;
}

}  // namespace

Session::Result Session::On(imap::Fetch command) {
  if (!ViewIsCurrent()) co_return Next::kGoOn;
  if (command.vanished) co_return Bad("QRESYNC is not enabled.");
  std::optional<imap::SequenceSet> sequences = Resolve(command.set, command.uid);
  if (!sequences.has_value()) co_return Next::kGoOn;
  FetchJob job(command);
  if (job.binary) co_return Bad("BINARY is not offered.");
  if (job.selectors.size() > kMaxSections) co_return No(imap::Code::kLimit, "Too many sections.");
  // RFC 7162, 3.1: asking for MODSEQ makes the client CONDSTORE-aware.
  if (job.modseq) EnableCondstore();
  job.sequences = std::move(*sequences);
  if (command.changed_since.has_value()) {
    job.sequences = ChangedSince(job.sequences, *command.changed_since, known());
  }
  job.version = selected_->client.shared_known();
  if (job.sequences.empty()) co_return Ok("Fetch completed.");
  if (job.sets_seen && !selected_->read_only) co_await MarkSeen(job);
  Next next = Next::kGoOn;
  if (job.wants_store()) {
    imap::SequenceSet left = std::exchange(job.sequences, {});
    while (!left.empty() && next == Next::kGoOn && !job.answered) {
      job.sequences = TakeFirst(left, kMaxNamed);
      next = co_await FetchFromStore(job);
    }
  } else {
    next = co_await FetchFromView(job);
  }
  if (next == Next::kClose || job.answered) co_return next;
  // RFC 2180, 4.1.2 and RFC 5530: some of the messages are gone. UIDs that are not there are no error.
  if (job.missing && !command.uid) co_return Refuse(StatusToRefusal(absl::OutOfRangeError("expunged")));
  co_return Ok("Fetch completed.");
}

// RFC 3501, 6.4.5: asking for octets without PEEK sets \Seen; the new flags are told within the same FETCH responses.
net::Awaitable<void> Session::MarkSeen(FetchJob& job) {
  imap::SequenceSet unseen;
  for (const imap::SequenceSet::Range& range : job.sequences.ranges()) {
    job.version->ForEach(range.first, range.last, [&](uint32_t sequence, const Message& message) {
      if ((message.flags & kFlagSeen) == 0) unseen.Add(sequence);
      return true;
    });
  }
  if (unseen.empty()) co_return;
  const imap::SequenceSet uids = ToUids(unseen, *job.version);
  mailbox::v1::StoreFlagsRequest request;
  request.set_mode(mailbox::v1::StoreFlagsRequest::MODE_ADD);
  request.mutable_flags()->set_system_flags(mailbox::v1::SYSTEM_FLAG_SEEN);
  auto stored = co_await StoreFlags(std::move(request), std::move(unseen), job.version);
  if (!stored.ok()) {
    // Reading goes on where writing cannot (a full disk).
    telemetry::Info("seen not set", {trace_, {"session_id", session_id_}, {"error", base::Message(stored.status())}});
    co_return;
  }
  const OwnStore own{uids, imap::Store::Mode::kAdd, kFlagSeen};
  // Only to step: no EXPUNGE within FETCH, and what this changed is told with the messages.
  ClientView::Options options = TellOptions(false, job.uid_command);
  options.silent = &own;
  const VersionPtr newest = selected_->lease.view().version();
  if (newest == nullptr) co_return;
  co_await ClaimRecent(newest);
  selected_->client.Begin(newest, options);
  while (!selected_->client.Write(out_, kFlushAbove)) {
    bool flushed = co_await Flush();
    if (!flushed) co_return;  // the next write fails too, and ends the session
  }
  job.version = selected_->client.shared_known();
  job.marked = uids;
  // RFC 7162, 3.1: a client that knows CONDSTORE is told the MODSEQ with what has changed.
  job.condstore = condstore_;
}

Session::Result Session::FetchFromView(FetchJob& job) {
  FlagNames names(job.version->keywords());
  for (const imap::SequenceSet::Range& range : job.sequences.ranges()) {
    for (uint32_t first = range.first; first <= range.last; first += kBatch) {
      const uint32_t last = std::min(range.last, first + (kBatch - 1));
      job.version->ForEach(first, last, [&](uint32_t sequence, const Message& message) {
        imap::FetchResponse response(&out_, SequenceNumber(sequence));
        job.WriteView(response, message, selected_->client, names);
        response.End();
        return true;
      });
      bool flushed = co_await FlushIfLarge();
      if (!flushed) co_return Next::kClose;
    }
  }
  co_return Next::kGoOn;
}

Session::Result Session::FetchFromStore(FetchJob& job) {
  const imap::SequenceSet uids = ToUids(job.sequences, *job.version);
  if (job.wants_summary) {
    job.summary_request.set_mailbox_id(selected_->id);
    job.summaries.emplace(*store_, job.summary_request, uids);
  }
  if (!job.selectors.empty()) job.contents.emplace(*store_, selected_->id, uids, job.selectors);
  FlagNames names(job.version->keywords());
  for (uint32_t sequence : job.sequences) {
    const Message message = job.version->At(sequence);
    const mailbox::v1::MessageSummary* summary = nullptr;
    bool gone = false;
    absl::Status failed;
    if (job.summaries.has_value()) {
      auto found = co_await job.summaries->Find(message.uid);
      failed = found.status();
      if (found.ok()) summary = *found;
      gone = summary == nullptr;
    }
    if (failed.ok() && !gone && job.contents.has_value()) {
      auto opened = co_await job.contents->Open(message.uid);
      failed = opened.status();
      gone = !failed.ok() || !*opened;
    }
    if (!failed.ok()) {
      job.answered = true;
      co_return Fail(failed, "FETCH");
    }
    if (gone) {
      job.missing = true;
      continue;
    }
    imap::FetchResponse response(&out_, SequenceNumber(sequence));
    job.WriteView(response, message, selected_->client, names);
    if (summary != nullptr) job.WriteSummary(response, *summary);
    for (size_t i = 0; i < job.selectors.size(); ++i) {
      Next next = co_await WriteBody(job, response, i);
      if (next == Next::kClose) co_return next;
    }
    response.End();
    bool flushed = co_await FlushIfLarge();
    if (!flushed) co_return Next::kClose;
  }
  co_return Next::kGoOn;
}

// One section, as it arrives from the store, to the socket.
Session::Result Session::WriteBody(FetchJob& job, imap::FetchResponse& response, size_t selector) {
  const FetchItem& item = job.sections[selector];
  auto section = co_await job.contents->OpenSection(selector);
  absl::Status failed = section.status();
  if (failed.ok() && section->missing) {
    response.BodyNil(item);
    co_return Next::kGoOn;
  }
  if (failed.ok()) response.BodyHead(item, section->size);
  while (failed.ok()) {
    auto octets = co_await job.contents->Read();
    failed = octets.status();
    if (!octets.ok() || octets->empty()) break;
    // RFC 3501, 9: a literal has no NUL; 0x80 takes its place, as with Dovecot.
    const bool has_nul = octets->find('\0') != std::string_view::npos;
    if (octets->size() < kCopyBelow || has_nul) {
      const size_t start = out_.size();
      out_.append(*octets);
      if (has_nul) std::replace(out_.begin() + static_cast<ptrdiff_t>(start), out_.end(), '\0', '\x80');
      bool flushed = co_await FlushIfLarge();
      if (!flushed) co_return Next::kClose;
    } else {
      bool flushed = co_await FlushWith(*octets);
      if (!flushed) co_return Next::kClose;
    }
  }
  if (failed.ok()) co_return Next::kGoOn;
  // The response has begun: only the end of the connection can tell that this is not all of it.
  telemetry::Warning("message not read", {trace_, {"session_id", session_id_}, {"account", account_}, {"error", failed}});
  out_.clear();
  co_return Next::kClose;
}

}  // namespace mailmesh::imap_gateway
