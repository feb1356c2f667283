// One attempt for some recipients of one message: over SMTP or LMTP to another server, or into a mailbox of the mesh.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_DELIVERY_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_DELIVERY_H_

#include <string>
#include <vector>

#include "services/outbound_relay/lane.h"
#include "services/outbound_relay/relay.h"

namespace mailmesh::outbound_relay {

struct Attempt {
  QueueId id;
  const Item* item = nullptr;       // must live until the attempt has ended
  std::vector<int> recipients;      // indexes into item->recipients()
  std::string domain;               // of all of them; or, for local routes,
  std::string shard;
  std::string request_id;
};

struct AttemptResult {
  std::vector<smtp::Outcome> outcomes;  // as Attempt::recipients
  std::string next_hop;
  // Nothing was tried: the destination is backing off or has too much waiting. Come again after this, and do not count it.
  net::Duration postponed{};
};

net::Awaitable<AttemptResult> DeliverRemote(Relay& relay, Lane& lane, Attempt attempt);
// Repeats the DeliverMessage that could not be finished, under its own id.
net::Awaitable<AttemptResult> DeliverLocal(Relay& relay, Attempt attempt);

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_DELIVERY_H_
