#include "common/mime/envelope.h"

#include <algorithm>
#include <utility>

namespace mailmesh::mime {

bool EnvelopeBuilder::AddField(const HeaderField& field) {
  const auto add_string = [&](std::optional<std::string>* target) {
    AddString(target, field.value);
    return true;
  };
  const auto add_addresses = [&](std::vector<Address>* target) {
    AddAddresses(target, field.value);
    return true;
  };
  // By length first: most fields of real mail are ruled out by one comparison.
  if (!field.has_colon) return false;
  const std::string_view name = field.name;
  switch (name.size()) {
    case 2:
      if (NameEquals(name, "to")) return add_addresses(&envelope_.to);
      if (NameEquals(name, "cc")) return add_addresses(&envelope_.cc);
      return false;
    case 3: return NameEquals(name, "bcc") && add_addresses(&envelope_.bcc);
    case 4:
      if (NameEquals(name, "date")) return add_string(&envelope_.date);
      if (NameEquals(name, "from")) return add_addresses(&envelope_.from);
      return false;
    case 6: return NameEquals(name, "sender") && add_addresses(&envelope_.sender);
    case 7: return NameEquals(name, "subject") && add_string(&envelope_.subject);
    case 8: return NameEquals(name, "reply-to") && add_addresses(&envelope_.reply_to);
    case 10: return NameEquals(name, "message-id") && add_string(&envelope_.message_id);
    case 11: return NameEquals(name, "in-reply-to") && add_string(&envelope_.in_reply_to);
    default: return false;
  }
}

void EnvelopeBuilder::AddString(std::optional<std::string>* target, std::string_view value) {
  if (value.size() > limits_.max_string_size) {
    value = value.substr(0, limits_.max_string_size);
    envelope_.truncated = true;
  }
  *target = HeaderText(value);
}

void EnvelopeBuilder::AddAddresses(std::vector<Address>* target, std::string_view value) {
  AddressOptions options;
  options.fill_missing = true;
  options.max_addresses = limits_.max_addresses - std::min(addresses_, limits_.max_addresses);
  AddressList list = ParseAddressList(value, options);
  addresses_ += list.addresses.size();
  envelope_.truncated |= list.truncated;
  if (target->empty()) {
    *target = std::move(list.addresses);
  } else {
    std::move(list.addresses.begin(), list.addresses.end(), std::back_inserter(*target));
  }
}

Envelope EnvelopeBuilder::Finish() {
  if (envelope_.sender.empty()) envelope_.sender = envelope_.from;
  if (envelope_.reply_to.empty()) envelope_.reply_to = envelope_.from;
  addresses_ = 0;
  return std::exchange(envelope_, Envelope());
}

Envelope ParseEnvelope(std::string_view header_block, const EnvelopeLimits& limits) {
  EnvelopeBuilder builder(limits);
  HeaderReader reader(header_block);
  HeaderField field;
  while (reader.Next(&field)) builder.AddField(field);
  return builder.Finish();
}

}  // namespace mailmesh::mime
