// LIST (RFC 3501, 6.3.8; RFC 5258; RFC 5819 RETURN (STATUS ...)) and LSUB (RFC 3501, 6.3.9).
#include "common/imap/list_response.h"
#include "services/imap_gateway/list_selection.h"
#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

imap::ListEntry Entry(const ListedName& name) {
  imap::ListEntry entry;
  entry.name = name.name;
  entry.attributes = name.attributes;
  entry.child_subscribed = name.child_subscribed;
  return entry;
}

}  // namespace

net::Awaitable<absl::StatusOr<std::vector<mailbox::v1::Mailbox>>> Session::ReadMailboxes(bool subscribed_names) {
  std::vector<mailbox::v1::Mailbox> mailboxes;
  mailbox::v1::ListMailboxesRequest request;
  request.set_include_subscribed_names(subscribed_names);
  for (;;) {
    auto page = co_await store_->Call(&Methods::ListMailboxes, request);
    if (!page.ok()) co_return page.status();
    for (mailbox::v1::Mailbox& mailbox : *page->mutable_mailboxes()) mailboxes.push_back(std::move(mailbox));
    if (page->next_page_token().empty()) co_return mailboxes;
    request.set_page_token(page->next_page_token());
  }
}

Session::Result Session::On(imap::List command) {
  if (command.select.recursive_match && !command.select.subscribed) {
    // RFC 5258, 3.1: RECURSIVEMATCH needs another selection than REMOTE, and of those only SUBSCRIBED knows children.
    co_return Bad("RECURSIVEMATCH needs SUBSCRIBED.");
  }
  auto mailboxes = co_await ReadMailboxes(command.select.subscribed);
  if (!mailboxes.ok()) co_return Fail(mailboxes.status(), "LIST");
  const std::vector<ListedName> listed = SelectForList(command, *mailboxes);
  std::vector<std::string> selectable;
  for (const ListedName& name : listed) {
    imap::AppendList(out_, Entry(name), false);
    if (name.selectable) selectable.push_back(name.name);
    bool flushed = co_await FlushIfLarge();
    if (!flushed) co_return Next::kClose;
  }
  if (command.returns.status != 0) {
    // RFC 5819, 2: a STATUS that cannot be answered does not make LIST fail.
    absl::Status status = co_await AppendStatuses(std::move(selectable), command.returns.status);
    if (!status.ok()) co_return Fail(status, "LIST");
  }
  co_return Ok("List completed.");
}

Session::Result Session::On(imap::Lsub command) {
  auto mailboxes = co_await ReadMailboxes(true);
  if (!mailboxes.ok()) co_return Fail(mailboxes.status(), "LSUB");
  for (const ListedName& name : SelectForLsub(command, *mailboxes)) {
    imap::AppendLsub(out_, Entry(name), false);
    bool flushed = co_await FlushIfLarge();
    if (!flushed) co_return Next::kClose;
  }
  co_return Ok("Lsub completed.");
}

}  // namespace mailmesh::imap_gateway
