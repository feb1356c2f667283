// The selected mailbox: what the client is told of it, and when (RFC 3501, 5.2 and 7).
#include <algorithm>

#include "common/base/random.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "services/imap_gateway/message_set.h"
#include "services/imap_gateway/session.h"
#include "services/imap_gateway/session_limits.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

// A change of our own comes by the stream within milliseconds; after this long the client is told at a later command.
constexpr auto kOwnChangeWait = std::chrono::seconds(10);

}  // namespace

ClientView::Options Session::TellOptions(bool may_expunge, bool uid) const {
  ClientView::Options options;
  options.may_expunge = may_expunge;
  options.with_uid = uid || condstore_;
  options.with_modseq = condstore_;
  options.read_only = selected_ != nullptr && selected_->read_only;
  return options;
}

Session::Result Session::Tell(ClientView::Options options) {
  if (selected_ == nullptr) co_return Next::kGoOn;
  const View::Snapshot now = selected_->lease.view().Get();
  if (now.end != View::End::kNone) {
    // RFC 2180, 3.3 and 3.4: the mailbox is not what the client knows any more, and there is no way to say so.
    Bye(imap::Code::kNone, now.end == View::End::kDeleted ? "Mailbox was deleted." : "Mailbox was restored, reconnect.");
    co_return Next::kClose;
  }
  ClientView& client = selected_->client;
  if (!client.Differs(now.version)) co_return Next::kGoOn;
  co_await ClaimRecent(now.version);
  const ClientView::Told told = client.Begin(now.version, options);
  while (!client.Write(out_, kFlushAbove)) {
    bool flushed = co_await Flush();
    if (!flushed) co_return Next::kClose;
  }
  if (told.added > 0 && state_ == SessionState::kIdle) {
    const std::chrono::duration<double> delay = net::Clock::now() - now.changed_at;
    gateway_.metrics.idle_delay.Observe(delay.count());
  }
  co_return Next::kGoOn;
}

// RFC 3501, 2.3.2: asks the store which of the new messages are \Recent for this session.
net::Awaitable<void> Session::ClaimRecent(VersionPtr version) {
  const uint32_t known_through = known().uid_next() - 1;
  const uint32_t through = version->uid_next() - 1;
  if (through <= known_through) co_return;
  if (selected_->read_only) {
    // EXAMINE claims nothing, and cannot know whether another session has: RFC 3501, 2.3.2: then it is recent.
    selected_->client.AddRecent(known_through + 1, through);
    co_return;
  }
  if (!selected_->lease.view().TakeRecentTurn(through)) co_return;
  mailbox::v1::ClaimRecentRequest request;
  request.set_mailbox_id(selected_->id);
  auto response = co_await store_->Call(&Methods::ClaimRecent, request);
  // Not having it costs no more than the word \Recent.
  if (!response.ok() || response->first() == 0) co_return;
  selected_->client.AddRecent(response->first(), response->last());
  selected_->lease.view().NoteRecentClaimed(response->last());
}

// RFC 7162, 3.1: "A first CONDSTORE enabling command executed in the session with a mailbox selected MUST cause the server to
// return HIGHESTMODSEQ".
void Session::EnableCondstore() {
  if (!condstore_ && selected_ != nullptr) TellHighestModSeq();
  condstore_ = true;
}

void Session::TellHighestModSeq() {
  imap::AppendUntaggedStatus(out_, imap::Condition::kOk, imap::ResponseCode::HighestModSeq(ModSeq(known().modseq())),
                             "Highest.");
}

net::Awaitable<void> Session::AwaitChange(uint64_t modseq) {
  selected_->own_modseq = std::max(selected_->own_modseq, modseq);
  const net::TimePoint deadline = net::After(kOwnChangeWait);
  absl::Status status = co_await selected_->lease.WaitFor(modseq, deadline);
  if (!status.ok()) {
    telemetry::Debug("own change not seen yet", {trace_, {"session_id", session_id_}, {"error", base::Message(status)}});
  }
}

net::Awaitable<bool> Session::IsSelected(std::string name) {
  if (selected_ == nullptr) co_return false;
  mailbox::v1::GetMailboxStatusRequest request;
  request.add_mailboxes(name);
  auto response = co_await store_->Call(&Methods::GetMailboxStatus, request);
  co_return response.ok() && response->statuses_size() == 1 && response->statuses(0).mailbox_id() == selected_->id;
}

void Session::Deselect(bool tell_closed) {
  if (selected_ == nullptr) return;
  selected_.reset();
  SetState(SessionState::kAuthenticated);
  if (tell_closed) {
    imap::AppendUntaggedStatus(out_, imap::Condition::kOk, imap::Code::kClosed, "Previous mailbox closed.");
  }
}

std::optional<imap::SequenceSet> Session::Resolve(const imap::SequenceSet& set, bool uid) {
  std::optional<imap::SequenceSet> sequences = ResolveSet(set, uid, known());
  if (!sequences.has_value()) Bad("Invalid message set.");
  return sequences;
}

bool Session::ViewIsCurrent() {
  if (store_->shard()->healthy()) return true;
  Refuse(StatusToRefusal(absl::UnavailableError("view is old")));
  return false;
}

bool Session::MayWrite() {
  if (!selected_->read_only) return true;
  No(imap::Code::kReadOnly, "Mailbox is read-only.");
  return false;
}

}  // namespace mailmesh::imap_gateway
