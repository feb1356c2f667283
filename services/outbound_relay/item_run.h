// One attempt at one queued message: all its recipients that are not done, and what becomes of the message after it.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_ITEM_RUN_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_ITEM_RUN_H_

#include "services/outbound_relay/lane.h"
#include "services/outbound_relay/relay.h"

namespace mailmesh::outbound_relay {

// What the scheduler needs to know afterwards.
struct ItemRunResult {
  bool finished = false;   // it has left the queue
  uint32_t notifications = 0;  // that have entered it
};

// Runs on the lane's executor. Never fails: what cannot be read or written stays due.
net::Awaitable<ItemRunResult> RunItem(Relay& relay, Lane& lane, QueueId id);

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_ITEM_RUN_H_
