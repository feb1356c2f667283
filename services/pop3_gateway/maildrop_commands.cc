// The commands on the list of messages (RFC 1939, 5, 6, 7).
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/pop3/listing.h"
#include "common/pop3/replies.h"
#include "common/telemetry/log.h"
#include "services/pop3_gateway/session.h"
#include "services/pop3_gateway/status_to_pop3.h"

namespace mailmesh::pop3_gateway {

namespace replies = pop3::replies;

const MaildropMessage* Session::FindOrSay(pop3::MessageNumber number) {
  const MaildropMessage* message = maildrop_->Find(number);
  if (message == nullptr) Say(replies::kNoSuchMessage);
  return message;
}

Session::Result Session::On(pop3::Stat) {
  if (!in_transaction()) co_return SayAndGoOn(replies::kWrongState);
  pop3::AppendReply(pop3::Reply(true, "", absl::StrCat(maildrop_->remaining_count(), " ", maildrop_->remaining_bytes())), out_);
  last_ok_ = true;
  co_return Next::kGoOn;
}

Session::Result Session::On(pop3::List command) {
  if (!in_transaction()) co_return SayAndGoOn(replies::kWrongState);
  if (command.number.has_value()) {
    const MaildropMessage* message = FindOrSay(*command.number);
    if (message == nullptr) co_return Next::kGoOn;
    pop3::AppendReply(pop3::Reply(true, "", absl::StrCat(*command.number, " ", message->size_bytes)), out_);
    last_ok_ = true;
    co_return Next::kGoOn;
  }
  Say(replies::kListingFollows);
  for (uint32_t number = 1; number <= maildrop_->count(); ++number) {
    if (const MaildropMessage* message = maildrop_->Find(number)) pop3::AppendScanListing(number, message->size_bytes, out_);
  }
  out_ += ".\r\n";
  co_return Next::kGoOn;
}

Session::Result Session::On(pop3::Uidl command) {
  if (!in_transaction()) co_return SayAndGoOn(replies::kWrongState);
  if (command.number.has_value()) {
    const MaildropMessage* message = FindOrSay(*command.number);
    if (message == nullptr) co_return Next::kGoOn;
    pop3::AppendReply(pop3::Reply(true, "", absl::StrCat(*command.number, " ", maildrop_->UniqueId(*message))), out_);
    last_ok_ = true;
    co_return Next::kGoOn;
  }
  Say(replies::kListingFollows);
  for (uint32_t number = 1; number <= maildrop_->count(); ++number) {
    if (const MaildropMessage* message = maildrop_->Find(number)) {
      pop3::AppendUniqueIdListing(number, maildrop_->UniqueId(*message), out_);
    }
  }
  out_ += ".\r\n";
  co_return Next::kGoOn;
}

Session::Result Session::On(pop3::Dele command) {
  if (!in_transaction()) co_return SayAndGoOn(replies::kWrongState);
  if (FindOrSay(command.number) == nullptr) co_return Next::kGoOn;
  maildrop_->MarkDeleted(command.number);
  co_return SayAndGoOn(replies::kDeleted);
}

Session::Result Session::On(pop3::Noop) {
  co_return SayAndGoOn(in_transaction() ? replies::kOk : replies::kWrongState);
}

Session::Result Session::On(pop3::Rset) {
  if (!in_transaction()) co_return SayAndGoOn(replies::kWrongState);
  maildrop_->UnmarkAll();
  co_return SayAndGoOn(replies::kReset);
}

Session::Result Session::On(pop3::Quit) {
  if (!in_transaction()) {
    Say(replies::kBye);
    co_return Next::kClose;
  }
  const uint64_t deleted = maildrop_->count() - maildrop_->remaining_count();
  if (deleted == 0) {
    co_await maildrop_->Release();
    Say(replies::kBye);
    co_return Next::kClose;
  }
  absl::Status status = co_await maildrop_->Commit();
  if (status.ok()) {
    gateway_.metrics.messages_deleted.Increment(static_cast<double>(deleted));
    Say(replies::kBye);
  } else {
    telemetry::Warning("maildrop not updated", {trace_, {"session_id", session_id_}, {"account", account_}, {"error", base::Message(status)}});
    Say(replies::kNotAllDeleted);
  }
  telemetry::Info("session ended", {trace_, {"session_id", session_id_}, {"account", account_}, {"deleted", deleted}});
  co_return Next::kClose;
}

}  // namespace mailmesh::pop3_gateway
