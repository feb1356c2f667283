// What all parts of the process share. Everything in it is thread-safe and outlives the deliveries.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_RELAY_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_RELAY_H_

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/auth/directory_client.h"
#include "common/auth/shard_map.h"
#include "common/base/clock.h"
#include "common/base/worker_pool.h"
#include "common/dns/resolver.h"
#include "common/net/awaitable.h"
#include "common/net/tls_client_context.h"
#include "services/outbound_relay/metrics.h"
#include "services/outbound_relay/own_addresses.h"
#include "services/outbound_relay/route_secrets.h"
#include "services/outbound_relay/spool.h"

namespace mailmesh::outbound_relay {

struct RelayOptions {
  std::string hostname;
  std::string postmaster;
  absl::Duration min_retry;
  absl::Duration max_retry;
  absl::Duration max_age;
  absl::Duration delay_warning;
  uint32_t max_connections = 0;
  uint32_t max_connections_per_destination = 0;
  net::Duration connection_idle{};
  uint32_t messages_per_connection = 0;
  net::Duration connect_timeout{};
  net::Duration command_timeout{};
  net::Duration data_timeout{};
  net::Duration dns_timeout{};
  uint32_t servers_per_attempt = 0;
  net::Duration attempt_time{};
  uint16_t smtp_port = 25;
  uint64_t max_message_bytes = 0;
  OwnAddresses own_addresses;
};

struct Relay {
  Relay(telemetry::Registry& registry, const base::Clock& clock_in, RelayOptions options_in, std::shared_ptr<grpc::Channel> directory)
      : metrics(registry), clock(clock_in), options(std::move(options_in)), lookups(std::move(directory)) {}

  Metrics metrics;
  const base::Clock& clock;
  const RelayOptions options;
  auth::DirectoryClient lookups;
  std::unique_ptr<auth::ShardMap> shards;
  std::unique_ptr<Spool> spool;
  base::WorkerPool* spool_pool = nullptr;
  // For operators, whose calls are long: they must not keep mail from being queued.
  base::WorkerPool* admin_pool = nullptr;
  std::unique_ptr<dns::Resolver> resolver;
  // Trust of routes that ask for it (`verified`), and of nobody in particular otherwise.
  std::shared_ptr<const net::TlsClientContext> tls;
  RouteSecrets secrets;
  std::atomic<bool> stopping{false};

  int64_t NowMs() const { return absl::ToUnixMillis(clock.Now()); }
  // Later than anything that is planned now. Mail that is due later was written before the clock was set back: it is due.
  int64_t LatestDueMs() const { return NowMs() + absl::ToInt64Milliseconds(std::max(2 * options.max_retry, absl::Minutes(5))); }
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_RELAY_H_
