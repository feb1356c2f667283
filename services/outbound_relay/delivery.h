// One attempt for some recipients of one message: over SMTP or LMTP to another server, or into a mailbox of the mesh.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_DELIVERY_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_DELIVERY_H_

#include <string>
#include <vector>

#include "services/outbound_relay/lane.h"
#include "services/outbound_relay/relay.h"
#include "services/outbound_relay/turn.h"

namespace mailmesh::outbound_relay {

struct Attempt {
  QueueId id;
  const Item* item = nullptr;       // must live until the attempt has ended
  std::vector<int> recipients;      // indexes into item->recipients()
  std::string destination;          // of all of them
  std::string shard;                // for local routes
  std::string request_id;
};

struct AttemptResult {
  std::vector<smtp::Outcome> outcomes;  // as Attempt::recipients
  std::string next_hop;
  Contact contact = Contact::kNone;
  // The server knows DSN and has taken over the duty to tell of success (RFC 3461, 5.2.1).
  bool dsn_passed_on = false;
};

net::Awaitable<AttemptResult> DeliverRemote(Relay& relay, Lane& lane, Attempt attempt);
// Repeats the DeliverMessage that could not be finished, under its own id.
net::Awaitable<AttemptResult> DeliverLocal(Relay& relay, Attempt attempt);

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_DELIVERY_H_
