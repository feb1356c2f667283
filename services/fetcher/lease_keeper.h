// Keeps a job's lease while it runs. Appends under a lease that was lost are refused by the store in any case.
#ifndef MAILMESH_SERVICES_FETCHER_LEASE_KEEPER_H_
#define MAILMESH_SERVICES_FETCHER_LEASE_KEEPER_H_

#include <memory>
#include <string>

#include "common/net/awaitable.h"
#include "common/rpc/lease_keeper.h"
#include "common/telemetry/trace.h"
#include "services/fetcher/fetcher.h"

namespace grpc {
class Channel;
}

namespace mailmesh::fetcher {

using LeaseKeeper = rpc::LeaseKeeper;

// Not started.
std::shared_ptr<LeaseKeeper> NewLeaseKeeper(net::Executor executor, std::shared_ptr<grpc::Channel> store, std::string job_id,
                                            uint64_t token, absl::Duration lease, telemetry::Trace trace);

}  // namespace mailmesh::fetcher

#endif  // MAILMESH_SERVICES_FETCHER_LEASE_KEEPER_H_
