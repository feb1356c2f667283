// Notifications to senders (RFC 3464, RFC 6522): what could not be delivered, is delayed, or has arrived.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_DSN_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_DSN_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/outbound_relay/spool.h"

namespace mailmesh::outbound_relay {

// Stands before the last reply of what was tried for too long.
inline constexpr std::string_view kExpired = "Delivery time expired; last: ";

enum class DsnKind { kFailure, kDelay, kSuccess };

struct DsnRequest {
  DsnKind kind = DsnKind::kFailure;
  const Item& item;
  std::vector<const storage::v1::StoredQueueRecipient*> recipients;  // those it is about
  std::string original;   // the message's first octets: its header, and (RET=FULL) as much of the rest as is returned
  bool original_is_whole = false;
  std::string hostname;
  std::string postmaster;
  int64_t now_ms = 0;
  int64_t retry_until_ms = 0;  // kDelay
};

// Whether the sender is to be told of this recipient's fate (RFC 3461, 4.1). Never for a bounce (RFC 5321, 4.5.5).
bool WantsDsn(const Item& item, const storage::v1::StoredQueueRecipient& recipient, DsnKind kind);

// The message, with CRLF line ends.
std::string BuildDsn(const DsnRequest& request);
// The queue item that carries it: from <>, to the sender.
Spool::Notification MakeNotification(const DsnRequest& request, QueueId id);

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_DSN_H_
