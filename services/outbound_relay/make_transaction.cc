#include "services/outbound_relay/make_transaction.h"

#include <utility>

#include "common/smtp/address.h"

namespace mailmesh::outbound_relay {
namespace {

smtp::Notify ToNotify(const storage::v1::StoredQueueRecipient& recipient) {
  return {recipient.notify_never(), recipient.notify_success(), recipient.notify_failure(), recipient.notify_delay()};
}

}  // namespace

std::optional<smtp::Transaction> MakeTransaction(const Item& item, const std::vector<int>& recipients) {
  smtp::AddressOptions addresses;
  addresses.utf8 = true;
  smtp::Transaction transaction;
  if (!item.reverse_path().empty()) {
    transaction.mail.reverse_path.mailbox = smtp::ParseMailbox(item.reverse_path(), addresses);
    if (!transaction.mail.reverse_path.mailbox.has_value()) return std::nullopt;
  }
  transaction.mail.size = item.trace_fields().size() + item.body_bytes();
  if (item.eight_bit()) transaction.mail.body = smtp::Body::k8BitMime;
  transaction.mail.smtputf8 = item.smtputf8();
  if (item.dsn_return() != 0) transaction.mail.ret = item.dsn_return() == 2 ? smtp::Ret::kHeaders : smtp::Ret::kFull;
  if (!item.envelope_id().empty()) transaction.mail.envid = item.envelope_id();
  for (const int index : recipients) {
    const auto& recipient = item.recipients(index);
    std::optional<smtp::Mailbox> mailbox = smtp::ParseMailbox(recipient.forward_path(), addresses);
    if (!mailbox.has_value()) return std::nullopt;
    smtp::Rcpt rcpt;
    rcpt.forward_path = std::move(*mailbox);
    rcpt.notify = ToNotify(recipient);
    if (const size_t semicolon = recipient.original_recipient().find(';'); semicolon != std::string::npos) {
      rcpt.orcpt = smtp::OriginalRecipient{recipient.original_recipient().substr(0, semicolon),
                                           recipient.original_recipient().substr(semicolon + 1)};
    }
    transaction.recipients.push_back(std::move(rcpt));
  }
  return transaction;
}

}  // namespace mailmesh::outbound_relay
