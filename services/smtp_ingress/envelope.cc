#include "services/smtp_ingress/envelope.h"

#include <utility>

namespace mailmesh::smtp_ingress {
namespace {

// RFC 3461, 6.3 (d): without ORCPT no report has an Original-Recipient. That we need not make one up: 5.2.1 (d).
std::string OriginalRecipient(const smtp::Rcpt& rcpt) {
  return rcpt.orcpt.has_value() ? rcpt.orcpt->type + ";" + rcpt.orcpt->address : "";
}

// RFC 3461, 5.2.7.3 (c): of an alias with several targets one reports success for all of them. The others keep what else was
// asked for; where that is nothing, nobody is told anything of them.
void DropSuccess(smtp::Notify& notify) {
  if (!notify.success) return;
  notify.success = false;
  notify.never = !notify.failure && !notify.delay;
}

}  // namespace

void Envelope::Add(const smtp::Rcpt& rcpt, const std::string& address, const directory::v1::RecipientResolution& resolution) {
  if (recipient_count_ == 0) first_recipient_ = address;
  CopyRecipient recipient{recipient_count_, OriginalRecipient(rcpt), rcpt.notify};
  if (resolution.kind() == directory::v1::RecipientResolution::KIND_DELIVER) {
    for (const auto& target : resolution.targets()) {
      if (target.account_id().empty()) {
        AddRelayed(target.address(), recipient);
      } else {
        AddLocal(target, recipient);
      }
      DropSuccess(recipient.notify);
    }
  } else {
    AddRelayed(address, std::move(recipient));
  }
  ++recipient_count_;
}

void Envelope::AddLocal(const directory::v1::DeliveryTarget& target, CopyRecipient recipient) {
  reports_local_success_ |= recipient.notify.success && !mail_.reverse_path.is_null();
  const auto known = place_of_account_.find(target.account_id());
  if (known != place_of_account_.end()) {
    const auto& [shard, index] = known->second;
    local_[shard][index].recipients.push_back(std::move(recipient));
    return;
  }
  std::vector<LocalCopy>& copies = local_[target.shard()];
  place_of_account_[target.account_id()] = {target.shard(), copies.size()};
  copies.push_back({target.account_id(), target.address(), target.mailbox(), {std::move(recipient)}});
}

void Envelope::AddRelayed(const std::string& address, CopyRecipient recipient) {
  const auto [place, fresh] = place_of_address_.try_emplace(address, relayed_.size());
  if (fresh) relayed_.push_back({address, {}});
  relayed_[place->second].recipients.push_back(std::move(recipient));
}

}  // namespace mailmesh::smtp_ingress
