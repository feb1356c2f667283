// CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 3501, 6.3.3-6.3.7). Names are checked here and again in the store.
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/imap/mailbox_name.h"
#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

using imap::Code;

// RFC 6154, 3: "\Sent" -> "Sent".
std::string SpecialUse(std::string_view attribute) {
  return std::string(attribute.substr(attribute.starts_with('\\') ? 1 : 0));
}

}  // namespace

Session::Result Session::On(imap::Create command) {
  absl::Status valid = imap::ValidateMailboxName(command.mailbox);
  if (!valid.ok()) co_return No(Code::kCannot, base::Message(valid));
  mailbox::v1::CreateMailboxRequest request;
  request.set_request_id(base::NewIdText());
  request.set_mailbox(command.mailbox);
  // RFC 6154, 3: what cannot be given makes CREATE fail. The store knows which uses there are; each has one mailbox.
  if (command.special_use.size() > 1) co_return No(Code::kUseAttr, "One special use at most.");
  if (!command.special_use.empty()) request.set_special_use(SpecialUse(command.special_use.front()));
  auto response = co_await store_->Call(&Methods::CreateMailbox, request);
  if (!response.ok()) co_return Fail(response.status(), "CREATE");
  co_return Ok("Create completed.");
}

Session::Result Session::On(imap::Delete command) {
  // RFC 3501, 6.3.4: it is an error to delete INBOX.
  if (imap::IsInbox(command.mailbox)) co_return No(Code::kCannot, "INBOX cannot be deleted.");
  mailbox::v1::DeleteMailboxRequest request;
  request.set_request_id(base::NewIdText());
  request.set_mailbox(command.mailbox);
  const bool selected = co_await IsSelected(command.mailbox);
  auto response = co_await store_->Call(&Methods::DeleteMailbox, request);
  if (!response.ok()) co_return Fail(response.status(), "DELETE");
  // The session that deletes what it has selected is not disconnected as the others are.
  if (selected) Deselect(true);
  co_return Ok("Delete completed.");
}

Session::Result Session::On(imap::Rename command) {
  absl::Status valid = imap::ValidateMailboxName(command.to);
  if (!valid.ok()) co_return No(Code::kCannot, base::Message(valid));
  mailbox::v1::RenameMailboxRequest request;
  request.set_request_id(base::NewIdText());
  request.set_from(command.from);
  request.set_to(command.to);
  auto response = co_await store_->Call(&Methods::RenameMailbox, request);
  if (!response.ok()) co_return Fail(response.status(), "RENAME");
  // A selected mailbox stays selected under its new name (RFC 2180, 3.4); INBOX stays INBOX.
  if (selected_ != nullptr && !imap::IsInbox(command.from)) {
    std::string& name = selected_->name;
    if (name == command.from) {
      name = command.to;
    } else if (name.starts_with(command.from + imap::kHierarchySeparator)) {
      name = command.to + name.substr(command.from.size());
    }
  }
  co_return Ok("Rename completed.");
}

Session::Result Session::On(imap::Subscribe command) {
  co_return co_await SetSubscription(std::move(command.mailbox), true);
}

Session::Result Session::On(imap::Unsubscribe command) {
  co_return co_await SetSubscription(std::move(command.mailbox), false);
}

Session::Result Session::SetSubscription(std::string name, bool subscribed) {
  if (subscribed) {
    absl::Status valid = imap::ValidateMailboxName(name);
    if (!valid.ok()) co_return No(Code::kCannot, base::Message(valid));
  }
  mailbox::v1::SetSubscriptionRequest request;
  request.set_request_id(base::NewIdText());
  request.set_mailbox(name);
  request.set_subscribed(subscribed);
  auto response = co_await store_->Call(&Methods::SetSubscription, request);
  if (!response.ok()) co_return Fail(response.status(), "SUBSCRIBE");
  co_return Ok(subscribed ? "Subscribe completed." : "Unsubscribe completed.");
}

}  // namespace mailmesh::imap_gateway
