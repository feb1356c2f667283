// Makes a message fit for a server that offers less than it was sent with: 8-bit content becomes 7-bit (RFC 6152, 3), SMTPUTF8 is left
// out where nothing needs it, internationalized domains become A-labels (RFC 6531, 3.7.4). What cannot be made to fit is refused.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_FIT_TO_OFFER_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_FIT_TO_OFFER_H_

#include <memory>
#include <optional>

#include "common/smtp/ehlo.h"
#include "common/smtp/transaction.h"
#include "services/outbound_relay/relay.h"
#include "services/outbound_relay/smtp_connection.h"

namespace mailmesh::outbound_relay {

struct Fitted {
  std::unique_ptr<BodyReader> body;  // what to send
  std::optional<smtp::Reply> refusal;  // instead: why it cannot be sent, for now (4yz) or for good
};

// `item` must outlive the body. Changes `transaction` where the message or its addresses change.
net::Awaitable<Fitted> FitToOffer(Relay& relay, const Item& item, const smtp::Capabilities& offer, smtp::Transaction& transaction);

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_FIT_TO_OFFER_H_
