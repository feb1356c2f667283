// One attempt for some recipients of one message: over SMTP or LMTP to another server, or into a mailbox of the mesh.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_DELIVERY_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_DELIVERY_H_

#include <functional>
#include <string>
#include <vector>

#include "common/telemetry/trace.h"
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
  telemetry::Trace trace;
};

struct RecipientResult {
  smtp::Outcome outcome;
  std::string next_hop;  // whose outcome it is
  // The server knows DSN and has taken over the duty to tell of success (RFC 3461, 5.2.1).
  bool dsn_passed_on = false;
};

struct AttemptResult {
  std::vector<RecipientResult> recipients;  // as Attempt::recipients
  Contact contact = Contact::kNone;
};

// Told, before a further server is asked, what is final by then; the verdict of the others is kPending.
using NoteDecided = std::function<void(const AttemptResult& decided)>;

// At the destination's servers, in their order, until each recipient was taken or refused for good, or the limits of an attempt
// are reached (RFC 5321, 5.1). Where a server may have the message and has not said so, no other one is asked.
net::Awaitable<AttemptResult> DeliverRemote(Relay& relay, Lane& lane, Attempt attempt, NoteDecided note);
// Repeats the DeliverMessage that could not be finished, under its own id.
net::Awaitable<AttemptResult> DeliverLocal(Relay& relay, Attempt attempt);

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_DELIVERY_H_
