// What a gateway knows of a connection when somebody logs in on it.
#ifndef MAILMESH_COMMON_AUTH_CONNECTION_FACTS_H_
#define MAILMESH_COMMON_AUTH_CONNECTION_FACTS_H_

#include <string>

#include "common/telemetry/trace.h"
#include "mailmesh/type/v1/session.pb.h"

namespace mailmesh::net {
class Stream;
}

namespace mailmesh::auth {

struct ConnectionFacts {
  type::v1::Protocol protocol = type::v1::PROTOCOL_UNSPECIFIED;
  // IP address as text, without port; "unix" for a Unix socket.
  std::string peer_address;
  // The peer is on this machine (net::SocketAddress::is_local()).
  bool local = false;
  // The connection is a load balancer's own (net::IsNobody()).
  bool nobody = false;
  bool tls = false;
  // RFC 9266 tls-exporter data of this connection; empty: no -PLUS mechanism is offered or taken.
  std::string channel_binding;
  telemetry::Trace trace;
  // Address in a verified client certificate; empty without one.
  std::string client_certificate_address;
};

// The facts of an open connection. The channel binding stays empty where the TLS session cannot give unique material.
ConnectionFacts FactsOf(const net::Stream& stream, type::v1::Protocol protocol, telemetry::Trace trace);

}  // namespace mailmesh::auth

#endif  // MAILMESH_COMMON_AUTH_CONNECTION_FACTS_H_
