// What all sessions of the process share. Everything in it is thread-safe and outlives the sessions.
#ifndef MAILMESH_SERVICES_POP3_GATEWAY_GATEWAY_H_
#define MAILMESH_SERVICES_POP3_GATEWAY_GATEWAY_H_

#include <memory>
#include <string>

#include "common/auth/authenticator.h"
#include "common/auth/shard_map.h"
#include "common/net/awaitable.h"
#include "common/net/tls_server_context.h"
#include "common/service/session_registry.h"
#include "services/pop3_gateway/metrics.h"

namespace mailmesh::pop3_gateway {

struct Gateway {
  Gateway(telemetry::Registry& registry, service::SessionRegistry& session_registry, auth::Authenticator authenticator_in)
      : metrics(registry), sessions(session_registry), authenticator(std::move(authenticator_in)) {}

  Metrics metrics;
  service::SessionRegistry& sessions;
  auth::Authenticator authenticator;
  std::unique_ptr<auth::ShardMap> shards;
  std::shared_ptr<net::TlsServerContext> tls;
  net::Duration idle_timeout{};
  net::Duration login_timeout{};
  // RFC 2449, 6.5; zero: none.
  std::chrono::seconds login_delay{};
  std::string implementation;  // RFC 2449, 6.9; empty: not told
};

}  // namespace mailmesh::pop3_gateway

#endif  // MAILMESH_SERVICES_POP3_GATEWAY_GATEWAY_H_
