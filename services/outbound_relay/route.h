// Where a domain's mail goes: its route in the directory, else its MX hosts, else its own addresses (RFC 5321, 5.1).
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_ROUTE_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_ROUTE_H_

#include <optional>
#include <string>
#include <vector>

#include "common/net/address.h"
#include "common/net/awaitable.h"
#include "common/sasl/client_session.h"
#include "common/smtp/reply.h"
#include "common/telemetry/trace.h"
#include "mailmesh/directory/v1/directory_service.pb.h"
#include "services/outbound_relay/relay.h"

namespace mailmesh::outbound_relay {

// A server to try. `addresses` empty: `host` is resolved by the system when it is connected to.
struct Hop {
  std::string host;  // also the name that its certificate must have
  uint16_t port = 25;
  std::vector<net::SocketAddress> addresses;
};

struct RouteAnswer {
  std::vector<Hop> hops;  // in the order to be tried
  bool lmtp = false;
  directory::v1::TlsPolicy tls = directory::v1::TLS_POLICY_OPPORTUNISTIC;
  bool implicit_tls = false;
  // Set: no mail goes out without a log-in.
  std::optional<sasl::ClientCredentials> credentials;
  // Set: there is no way, for now (4yz) or for good (5yz).
  std::optional<smtp::Reply> failure;
};

// As the directory has it, without its credentials.
RouteAnswer FromRoute(const directory::v1::Route& route);
net::Awaitable<RouteAnswer> FindRoute(Relay& relay, std::string domain, telemetry::Trace trace);

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_ROUTE_H_
