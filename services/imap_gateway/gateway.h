// What all sessions of the process share. Everything in it is thread-safe and outlives the sessions.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_GATEWAY_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_GATEWAY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "common/auth/authenticator.h"
#include "common/auth/shard_map.h"
#include "common/net/awaitable.h"
#include "common/net/tls_server_context.h"
#include "common/service/session_registry.h"
#include "services/imap_gateway/metrics.h"
#include "services/imap_gateway/view/shards.h"

namespace mailmesh::imap_gateway {

struct Gateway {
  Gateway(telemetry::Registry& registry, service::SessionRegistry& session_registry, auth::Authenticator authenticator_in)
      : metrics(registry), sessions(session_registry), authenticator(std::move(authenticator_in)) {}

  Metrics metrics;
  service::SessionRegistry& sessions;
  auth::Authenticator authenticator;
  std::unique_ptr<auth::ShardMap> shard_map;
  std::unique_ptr<Shards> shards;
  std::shared_ptr<net::TlsServerContext> tls;
  std::string hostname;
  uint64_t max_append_bytes = 0;
  uint64_t max_line_bytes = 0;
  bool literal_minus = false;
  net::Duration idle_timeout{};
  net::Duration login_timeout{};
  net::Duration keepalive_interval{};
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_GATEWAY_H_
