// Fetch jobs: kept, leased to one fetcher at a time, fenced. See mailmesh/fetch/v1/fetch_job_service.proto.
//
// As operations.h: `done` is called when the result is durable. Thread-safety: all by any thread; they block.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FETCH_JOBS_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FETCH_JOBS_H_

#include "mailmesh/fetch/v1/fetch_job_service.pb.h"
#include "services/mailbox_store/engine/operations.h"

namespace mailmesh::mailbox_store {

void CreateFetchJob(Store& store, const fetch::v1::CreateFetchJobRequest& request,
                    Done<fetch::v1::CreateFetchJobResponse> done);
void DeleteFetchJob(Store& store, const fetch::v1::DeleteFetchJobRequest& request,
                    Done<fetch::v1::DeleteFetchJobResponse> done);
void ReplaceFetchCredential(Store& store, const fetch::v1::ReplaceFetchCredentialRequest& request,
                            Done<fetch::v1::ReplaceFetchCredentialResponse> done);
void TriggerFetchJob(Store& store, const fetch::v1::TriggerFetchJobRequest& request,
                     Done<fetch::v1::TriggerFetchJobResponse> done);
// Answers at once, perhaps without a lease: the waiting is the caller's.
void LeaseFetchJobs(Store& store, const fetch::v1::LeaseFetchJobsRequest& request,
                    Done<fetch::v1::LeaseFetchJobsResponse> done);
void RenewFetchLease(Store& store, const fetch::v1::RenewFetchLeaseRequest& request,
                     Done<fetch::v1::RenewFetchLeaseResponse> done);
void FinishFetchRun(Store& store, const fetch::v1::FinishFetchRunRequest& request,
                    Done<fetch::v1::FinishFetchRunResponse> done);
void ForgetSeenIds(Store& store, const fetch::v1::ForgetSeenIdsRequest& request,
                   Done<fetch::v1::ForgetSeenIdsResponse> done);

absl::StatusOr<fetch::v1::ListFetchJobsResponse> ListFetchJobs(Store& store, const fetch::v1::ListFetchJobsRequest& request);
absl::StatusOr<fetch::v1::ListSeenIdsResponse> ListSeenIds(Store& store, const fetch::v1::ListSeenIdsRequest& request);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FETCH_JOBS_H_
