// Hands a message that is complete to the processes that keep it, and says when it is durable for every recipient.
//
// The rules (architecture, section 3): one EnqueueMessage for all that goes elsewhere, then one DeliverMessage for each shard. The
// relay comes first because nothing can stand in for it: where it takes nothing, nothing is stored, and the client's next attempt
// doubles nothing. A copy that a shard could not take (it is away, or its answer never came) is enqueued in the relay with a local
// route under the same id, so that it is stored once whatever happened. So is one that was refused for good while others were
// stored: the relay's attempt is refused the same way, and becomes a DSN.
#ifndef MAILMESH_SERVICES_SMTP_INGRESS_DELIVERY_H_
#define MAILMESH_SERVICES_SMTP_INGRESS_DELIVERY_H_

#include <absl/status/status.h>

#include <string>
#include <vector>

#include "common/net/awaitable.h"
#include "common/telemetry/trace.h"
#include "mailmesh/type/v1/message.pb.h"
#include "services/smtp_ingress/body_sink.h"
#include "services/smtp_ingress/envelope.h"
#include "services/smtp_ingress/ingress.h"

namespace mailmesh::smtp_ingress {

struct DeliveryRequest {
  const Envelope& envelope;
  const BodySink& body;
  type::v1::SessionFacts facts;
  std::string received_field;
  telemetry::Trace trace;
  bool lmtp = false;  // the client gets an answer for each recipient, so nothing is handed to the relay in place of a shard
};

// One status for each accepted recipient, in order: OK when every copy that it leads to is durable.
net::Awaitable<std::vector<absl::Status>> Deliver(Ingress& ingress, DeliveryRequest request);

}  // namespace mailmesh::smtp_ingress

#endif  // MAILMESH_SERVICES_SMTP_INGRESS_DELIVERY_H_
