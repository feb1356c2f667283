#include "services/smtp_ingress/envelope.h"

namespace mailmesh::smtp_ingress {

void Envelope::Add(const smtp::Rcpt& rcpt, const std::string& address, const directory::v1::RecipientResolution& resolution) {
  if (recipient_count_ == 0) first_recipient_ = address;
  const std::string original = rcpt.orcpt.has_value() ? rcpt.orcpt->type + ";" + rcpt.orcpt->address : "rfc822;" + address;
  if (resolution.kind() == directory::v1::RecipientResolution::KIND_DELIVER) {
    for (const auto& target : resolution.targets()) {
      if (target.account_id().empty()) {
        AddRelayed(target.address(), original, rcpt.notify);
      } else {
        AddLocal(target, original);
      }
    }
  } else {
    AddRelayed(address, original, rcpt.notify);
  }
  ++recipient_count_;
}

void Envelope::AddLocal(const directory::v1::DeliveryTarget& target, const std::string& original) {
  const auto known = place_of_account_.find(target.account_id());
  if (known != place_of_account_.end()) {
    const auto& [shard, index] = known->second;
    local_[shard][index].recipients.push_back(recipient_count_);
    return;
  }
  std::vector<LocalCopy>& copies = local_[target.shard()];
  place_of_account_[target.account_id()] = {target.shard(), copies.size()};
  copies.push_back({target.account_id(), target.address(), original, target.mailbox(), {recipient_count_}});
}

void Envelope::AddRelayed(const std::string& address, const std::string& original, const smtp::Notify& notify) {
  const auto [place, fresh] = place_of_address_.try_emplace(address, relayed_.size());
  if (fresh) {
    relayed_.push_back({address, original, notify, {recipient_count_}});
  } else {
    relayed_[place->second].recipients.push_back(recipient_count_);
  }
}

}  // namespace mailmesh::smtp_ingress
