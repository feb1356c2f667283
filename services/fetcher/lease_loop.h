// Asks every shard for jobs that are due, and runs them.
#ifndef MAILMESH_SERVICES_FETCHER_LEASE_LOOP_H_
#define MAILMESH_SERVICES_FETCHER_LEASE_LOOP_H_

#include "common/net/awaitable.h"
#include "common/net/io_pool.h"
#include "services/fetcher/fetcher.h"

namespace mailmesh::fetcher {

// Until fetcher->stopping: keeps one loop for each shard of the directory's map.
net::Awaitable<void> WatchShards(Fetcher* fetcher, net::IoPool* pool);

}  // namespace mailmesh::fetcher

#endif  // MAILMESH_SERVICES_FETCHER_LEASE_LOOP_H_
