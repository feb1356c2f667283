// STATUS (RFC 3501, 6.3.10), with HIGHESTMODSEQ (RFC 7162), SIZE (RFC 8438), APPENDLIMIT (RFC 7889), DELETED and
// DELETED-STORAGE (RFC 9208, 4.1.4).
#include <algorithm>

#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

// mailbox.v1: names of one GetMailboxStatus.
constexpr size_t kMaxNames = 1000;

imap::StatusValues ToValues(const mailbox::v1::MailboxStatus& status, imap::StatusItems items, uint64_t append_limit) {
  imap::StatusValues values;
  values.items = items;
  values.messages = status.messages();
  values.recent = status.recent();
  values.uid_next = status.uid_next();
  values.uid_validity = status.uid_validity();
  values.unseen = status.unseen();
  values.highest_modseq = status.highest_modseq();
  values.size = status.size_bytes();
  values.deleted = status.deleted();
  values.deleted_storage = status.deleted_bytes();
  values.append_limit = append_limit;
  return values;
}

}  // namespace

Session::Result Session::On(imap::Status command) {
  // RFC 7162, 3.1.
  if ((command.items & imap::kStatusHighestModSeq) != 0) EnableCondstore();
  mailbox::v1::GetMailboxStatusRequest request;
  request.add_mailboxes(command.mailbox);
  request.set_deleted_bytes((command.items & imap::kStatusDeletedStorage) != 0);
  auto response = co_await store_->Call(&Methods::GetMailboxStatus, request);
  if (!response.ok()) co_return Fail(response.status(), "STATUS");
  if (response->statuses_size() != 1 || response->statuses(0).mailbox_id().empty()) {
    co_return Refuse(StatusToRefusal(absl::NotFoundError("")));
  }
  imap::StatusValues values = ToValues(response->statuses(0), command.items, gateway_.max_append_bytes);
  // RFC 3501, 2.3.2: those are recent that this session was told of first.
  if (selected_ != nullptr && selected_->id == response->statuses(0).mailbox_id()) {
    values.recent = selected_->client.CountRecent();
  }
  imap::AppendStatusResponse(out_, command.mailbox, values, false);
  co_return Ok("Status completed.");
}

// RFC 5819: what LIST RETURN (STATUS ...) adds.
net::Awaitable<absl::Status> Session::AppendStatuses(std::vector<std::string> names, imap::StatusItems items) {
  for (size_t first = 0; first < names.size(); first += kMaxNames) {
    mailbox::v1::GetMailboxStatusRequest request;
    request.set_deleted_bytes((items & imap::kStatusDeletedStorage) != 0);
    const size_t end = std::min(names.size(), first + kMaxNames);
    for (size_t i = first; i < end; ++i) request.add_mailboxes(names[i]);
    auto response = co_await store_->Call(&Methods::GetMailboxStatus, request);
    if (!response.ok()) co_return response.status();
    for (int i = 0; i < response->statuses_size(); ++i) {
      const mailbox::v1::MailboxStatus& status = response->statuses(i);
      if (status.mailbox_id().empty() || first + static_cast<size_t>(i) >= end) continue;
      const imap::StatusValues values = ToValues(status, items, gateway_.max_append_bytes);
      imap::AppendStatusResponse(out_, names[first + static_cast<size_t>(i)], values, false);
    }
    bool flushed = co_await FlushIfLarge();
    if (!flushed) co_return absl::CancelledError("the client is gone");
  }
  co_return absl::OkStatus();
}

}  // namespace mailmesh::imap_gateway
