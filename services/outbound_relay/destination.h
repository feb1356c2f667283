// Whose turn a message takes: messages for one destination wait for each other and for nobody else.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_DESTINATION_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_DESTINATION_H_

#include <string>
#include <string_view>

#include "mailmesh/storage/v1/relay.pb.h"

namespace mailmesh::outbound_relay {

// 26 characters that sort by time.
using QueueId = std::string;
using Item = storage::v1::StoredQueueItem;
using Recipient = storage::v1::StoredQueueRecipient;

// A message whose recipients have several destinations: its attempts run side by side, each in a turn of its own.
inline constexpr std::string_view kManyDestinations = "*";
// What the destination of a copy for a shard of the mesh begins with.
inline constexpr const char* kLocalPrefix = "local ";
// Held messages stand in the index under this, where nobody looks for what is due.
inline constexpr std::string_view kHeld = "\x01held";

bool IsPending(const Recipient& recipient);
bool IsLocal(const Recipient& recipient);

// The domain in lower case; "local SHARD" for a copy that a shard of the mesh takes; "host:port" where an operator has rerouted the
// message.
std::string DestinationOf(const Item& item, const Recipient& recipient);
// Of all recipients that are pending: their destination, or kManyDestinations.
std::string DestinationOf(const Item& item);

// Where the message stands in the index of what is due.
struct Place {
  std::string destination;
  int64_t due_ms = 0;
  friend bool operator==(const Place&, const Place&) = default;
};
// As the item says: `item.destination`, or kHeld, at item.next_attempt_ms.
Place PlaceOf(const Item& item);

// The least id that a message queued at this time can have.
QueueId FirstIdAt(int64_t unix_ms);

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_DESTINATION_H_
