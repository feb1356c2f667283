#include "services/outbound_relay/destination.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/random.h"

namespace mailmesh::outbound_relay {

bool IsPending(const Recipient& recipient) { return recipient.state() == Recipient::STATE_QUEUED; }

bool IsLocal(const Recipient& recipient) { return !recipient.local_shard().empty(); }

std::string DestinationOf(const Item& item, const Recipient& recipient) {
  if (IsLocal(recipient)) return absl::StrCat(kLocalPrefix, recipient.local_shard());
  if (!item.reroute_next_hop().empty()) return item.reroute_next_hop();
  const std::string& path = recipient.forward_path();
  return absl::AsciiStrToLower(path.substr(path.rfind('@') + 1));
}

std::string DestinationOf(const Item& item) {
  std::string common;
  for (const Recipient& recipient : item.recipients()) {
    if (!IsPending(recipient)) continue;
    std::string one = DestinationOf(item, recipient);
    if (!common.empty() && one != common) return std::string(kManyDestinations);
    common = std::move(one);
  }
  return common.empty() ? std::string(kManyDestinations) : common;
}

Place PlaceOf(const Item& item) { return {item.held() ? std::string(kHeld) : item.destination(), item.next_attempt_ms()}; }

QueueId FirstIdAt(int64_t unix_ms) {
  base::Id128 id{};
  const auto ms = static_cast<uint64_t>(std::max<int64_t>(unix_ms, 0));
  for (size_t i = 0; i < 6; ++i) id[i] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  return base::IdText(id);
}

}  // namespace mailmesh::outbound_relay
