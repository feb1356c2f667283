// What some recipients of a queued message are on the wire.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_MAKE_TRANSACTION_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_MAKE_TRANSACTION_H_

#include <optional>
#include <vector>

#include "common/smtp/transaction.h"
#include "services/outbound_relay/destination.h"

namespace mailmesh::outbound_relay {

// `recipients`: indexes into item.recipients(). Nothing: an address that cannot be written (it was checked when the message came in).
std::optional<smtp::Transaction> MakeTransaction(const Item& item, const std::vector<int>& recipients);

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_MAKE_TRANSACTION_H_
