// One run of one fetch job: logs in at the remote server, stores what has not been seen, deletes there what is durable here.
#ifndef MAILMESH_SERVICES_FETCHER_JOB_RUN_H_
#define MAILMESH_SERVICES_FETCHER_JOB_RUN_H_

#include <memory>

#include "common/net/awaitable.h"
#include "mailmesh/fetch/v1/fetch_job_service.grpc.pb.h"
#include "services/fetcher/fetcher.h"

namespace mailmesh::fetcher {

// Runs the leased job and gives the lease back with what came of it. Never fails: errors become the job's state.
net::Awaitable<void> RunJob(Fetcher* fetcher, std::shared_ptr<grpc::Channel> store,
                            fetch::v1::LeaseFetchJobsResponse::Lease lease);

}  // namespace mailmesh::fetcher

#endif  // MAILMESH_SERVICES_FETCHER_JOB_RUN_H_
