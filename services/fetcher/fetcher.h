// What all jobs of the process share. Everything in it is thread-safe and outlives the jobs.
#ifndef MAILMESH_SERVICES_FETCHER_FETCHER_H_
#define MAILMESH_SERVICES_FETCHER_FETCHER_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/auth/shard_map.h"
#include "common/net/awaitable.h"
#include "common/net/tls_client_context.h"
#include "common/sasl/key_file.h"
#include "services/fetcher/metrics.h"

namespace mailmesh::fetcher {

struct Fetcher {
  explicit Fetcher(telemetry::Registry& registry) : metrics(registry) {}

  Metrics metrics;
  std::unique_ptr<sasl::KeyFile> secrets;
  std::unique_ptr<auth::ShardMap> shards;
  std::shared_ptr<const net::TlsClientContext> tls;
  std::string name;  // of this process, in leases
  absl::Duration lease;
  net::Duration command_timeout{};
  uint64_t max_message_bytes = 0;
  uint32_t max_listed_messages = 0;
  uint32_t max_messages_per_run = 0;
  net::Duration max_run{};
  uint32_t max_jobs = 0;
  std::atomic<uint32_t> running{0};
  std::atomic<bool> stopping{false};
};

}  // namespace mailmesh::fetcher

#endif  // MAILMESH_SERVICES_FETCHER_FETCHER_H_
