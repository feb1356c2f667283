// SELECT, EXAMINE, CLOSE (RFC 3501, 6.3.1, 6.3.2, 6.4.2) and UNSELECT (RFC 3691).
#include "services/imap_gateway/flags.h"
#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

using imap::Code;
using imap::Condition;
using imap::ResponseCode;

// Reading the view of a large mailbox included.
constexpr auto kOpenTimeout = std::chrono::seconds(30);

}  // namespace

Session::Result Session::On(imap::Select command) {
  if (command.qresync.has_value()) co_return Bad("QRESYNC is not enabled.");
  // RFC 3501, 6.3.1: also when it fails, no mailbox stays selected.
  Deselect(true);
  mailbox::v1::OpenMailboxRequest request;
  request.set_mailbox(command.mailbox);
  request.set_claim_recent(!command.read_only);
  auto opened = co_await store_->Call(&Methods::OpenMailbox, request);
  if (!opened.ok()) co_return Fail(opened.status(), "SELECT");
  if (observer_ == nullptr) observer_ = std::make_shared<Observer>(stream_.executor(), stream_.handle());
  ViewKey key{store_->account_id(), opened->mailbox_id()};
  const net::TimePoint deadline = net::After(kOpenTimeout);
  auto lease = co_await store_->shard()->Open(std::move(key), opened->incarnation(), opened->highest_modseq(), observer_,
                                              deadline);
  if (!lease.ok()) co_return Fail(lease.status(), "SELECT");
  VersionPtr version = lease->view().version();
  selected_.reset(new Selected{command.mailbox, opened->mailbox_id(), opened->uid_validity(), command.read_only,
                               std::move(*lease), ClientView(version)});
  if (opened->recent_first() != 0) selected_->client.AddRecent(opened->recent_first(), opened->uid_next() - 1);
  if (!command.read_only) selected_->lease.view().NoteRecentClaimed(opened->uid_next() - 1);
  SetState(SessionState::kSelected);
  if (command.condstore) condstore_ = true;
  DescribeMailbox();
  co_return command.read_only ? Ok(Code::kReadOnly, "Examine completed.") : Ok(Code::kReadWrite, "Select completed.");
}

// RFC 3501, 6.3.1: the responses of SELECT. RFC 7162, 3.1.2.1: HIGHESTMODSEQ.
void Session::DescribeMailbox() {
  const Version& version = known();
  const std::vector<std::string_view> keywords = Views(version.keywords());
  imap::AppendFlagsResponse(out_, imap::kSettableFlags, keywords);
  if (selected_->read_only) {
    imap::AppendUntaggedStatus(out_, Condition::kOk, ResponseCode::PermanentFlags(0, {}, false), "Read-only mailbox.");
  } else {
    const ResponseCode permanent =
        ResponseCode::PermanentFlags(imap::kSettableFlags, keywords, keywords.size() < kMaxKeywords);
    imap::AppendUntaggedStatus(out_, Condition::kOk, permanent, "Flags permitted.");
  }
  imap::AppendExists(out_, version.size());
  imap::AppendRecent(out_, selected_->client.CountRecent());
  if (const uint32_t unseen = version.FirstUnseen(); unseen != 0) {
    imap::AppendUntaggedStatus(out_, Condition::kOk, ResponseCode::Unseen(SequenceNumber(unseen)), "First unseen.");
  }
  imap::AppendUntaggedStatus(out_, Condition::kOk, ResponseCode::UidValidityIs(UidValidity(selected_->uid_validity)),
                             "UIDs valid.");
  imap::AppendUntaggedStatus(out_, Condition::kOk, ResponseCode::UidNext(Uid(version.uid_next())),
                             "Predicted next UID.");
  TellHighestModSeq();
}

Session::Result Session::On(imap::Close) {
  if (!selected_->read_only) {
    absl::Status expunged = co_await ExpungeDeleted(std::nullopt);
    if (!expunged.ok()) co_return Fail(expunged, "CLOSE");
  }
  Deselect(false);
  co_return Ok("Close completed.");
}

Session::Result Session::On(imap::Unselect) {
  Deselect(false);
  co_return Ok("Unselect completed.");
}

}  // namespace mailmesh::imap_gateway
