// The addresses at which this site takes mail: an MX record that leads to one of them leads back to us (RFC 5321, 5.1).
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_OWN_ADDRESSES_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_OWN_ADDRESSES_H_

#include <absl/container/flat_hash_set.h>
#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "common/net/address.h"

namespace mailmesh::outbound_relay {

using OwnAddresses = absl::flat_hash_set<net::IpAddress>;

// Those configured, and those of this machine's interfaces. Not the loopback ones: a name server that gives 127.0.0.1 as a mail host
// says nothing about us. InvalidArgument: not an address.
absl::StatusOr<OwnAddresses> FindOwnAddresses(const std::vector<std::string>& configured);

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_OWN_ADDRESSES_H_
