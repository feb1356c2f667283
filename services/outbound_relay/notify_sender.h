// Which notifications a message's outcomes call for (RFC 3461, 5.2), and making them.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_NOTIFY_SENDER_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_NOTIFY_SENDER_H_

#include <vector>

#include "common/net/awaitable.h"
#include "common/telemetry/trace.h"
#include "services/outbound_relay/dsn.h"
#include "services/outbound_relay/relay.h"

namespace mailmesh::outbound_relay {

// Of what has been decided and not told yet; with `delayed` also of the recipients that still wait. Each recipient whose outcome is
// final is marked as told, whether its sender wants to know or not: it is to be written in the commit that the notifications enter by.
net::Awaitable<std::vector<Spool::Notification>> NotifySender(Relay& relay, const QueueId& id, Item& item, const telemetry::Trace& trace, bool delayed);

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_NOTIFY_SENDER_H_
