// One run of one message: its attempts, side by side where it has several destinations, and what follows from their outcomes.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_ITEM_RUN_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_ITEM_RUN_H_

#include <optional>
#include <utility>
#include <vector>

#include "services/outbound_relay/lane.h"
#include "services/outbound_relay/relay.h"
#include "services/outbound_relay/turn.h"

namespace mailmesh::outbound_relay {

// What the scheduler needs to know afterwards.
struct ItemRunResult {
  bool finished = false;      // it has left the queue
  std::optional<Place> next;  // or where to look for it next; nothing: where it was
  std::vector<std::pair<QueueId, Place>> notifications;  // that have entered the queue
};

enum class RunKind {
  kDeliver,
  kConclude,  // only what follows from its age: it is not tried
};

// Runs on the lane's executor. `turn`: the turn of the destination that the message is run for. Never fails: what cannot be read or
// written stays due. A message that is held, due later or elsewhere by now is left alone.
net::Awaitable<ItemRunResult> RunItem(Relay& relay, Lane& lane, TurnKeeper& turns, QueueId id, std::optional<Turn> turn, RunKind kind);

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_ITEM_RUN_H_
