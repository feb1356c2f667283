#include "services/fetcher/lease_loop.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/net/sleep.h"
#include "common/net/spawn.h"
#include "common/rpc/client_call.h"
#include "common/telemetry/log.h"
#include "mailmesh/fetch/v1/fetch_job_service.grpc.pb.h"
#include "services/fetcher/job_run.h"

namespace mailmesh::fetcher {
namespace {

using fetch::v1::FetchJobService;
using Methods = class FetchJobService::Stub::async;

// The store answers at once when a job is due, so a long wait costs nothing; it bounds how long a stop may take.
constexpr uint32_t kWaitSeconds = 5;
constexpr auto kPauseAfterError = std::chrono::milliseconds(500);
constexpr auto kPauseWhenFull = std::chrono::milliseconds(200);
constexpr auto kMapInterval = std::chrono::seconds(2);
constexpr auto kMapTimeout = std::chrono::seconds(10);

net::Awaitable<void> LeaseFromShard(Fetcher* fetcher, net::IoPool* pool, std::string shard) {
  while (!fetcher->stopping.load()) {
    const uint32_t running = fetcher->running.load();
    if (running >= fetcher->max_jobs) {
      co_await net::SleepFor(kPauseWhenFull);
      continue;
    }
    const net::TimePoint deadline = net::After(kMapTimeout);
    absl::StatusOr<std::shared_ptr<grpc::Channel>> store = co_await fetcher->shards->Channel(shard, deadline);
    if (!store.ok()) {
      co_await net::SleepFor(kPauseAfterError);
      continue;
    }
    fetch::v1::LeaseFetchJobsRequest request;
    request.set_holder(fetcher->name);
    request.set_max_jobs(std::min<uint32_t>(fetcher->max_jobs - running, 10));
    request.set_time_limit_seconds(static_cast<uint32_t>(absl::ToInt64Seconds(fetcher->lease)));
    request.set_wait_seconds(kWaitSeconds);
    auto stub = FetchJobService::NewStub(*store);
    rpc::CallContext context = rpc::CallContext::Within(absl::Seconds(kWaitSeconds + 10));
    auto leased = co_await rpc::UnaryCall(stub->async(), &Methods::LeaseFetchJobs, request, context);
    if (!leased.ok()) {
      co_await net::SleepFor(kPauseAfterError);
      continue;
    }
    for (const auto& lease : leased->leases()) {
      ++fetcher->running;
      const double due = static_cast<double>(lease.state().next_run_seconds());
      fetcher->metrics.lag_seconds.Observe(std::max(0.0, absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()) - due));
      net::Spawn(pool->Next().get_executor(), RunJob(fetcher, *store, lease), "fetch-job");
    }
  }
}

}  // namespace

net::Awaitable<void> WatchShards(Fetcher* fetcher, net::IoPool* pool) {
  std::set<std::string> known;
  while (!fetcher->stopping.load()) {
    const net::TimePoint deadline = net::After(kMapTimeout);
    auto shards = co_await fetcher->shards->List(deadline);
    if (shards.ok()) {
      for (const directory::v1::Shard& shard : *shards) {
        if (known.insert(shard.name()).second) {
          net::Spawn(pool->Next().get_executor(), LeaseFromShard(fetcher, pool, shard.name()), "fetch-lease-loop");
        }
      }
    }
    co_await net::SleepFor(kMapInterval);
  }
}

}  // namespace mailmesh::fetcher
