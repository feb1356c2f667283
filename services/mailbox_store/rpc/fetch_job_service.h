// mailmesh.fetch.v1.FetchJobService: one line for each RPC; the work is in engine/fetch_jobs.cc.
//
// Thread-safe; called on gRPC's threads, runs on the pools and I/O threads it is given.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_RPC_FETCH_JOB_SERVICE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_RPC_FETCH_JOB_SERVICE_H_

#include "mailmesh/fetch/v1/fetch_job_service.grpc.pb.h"
#include "services/mailbox_store/rpc/service_base.h"

namespace mailmesh::mailbox_store {

class FetchJobServiceImpl final : public fetch::v1::FetchJobService::CallbackService, private ServiceBase {
 public:
  // `closing` ends waits for jobs.
  FetchJobServiceImpl(const ServiceParts& parts, std::function<bool()> closing)
      : ServiceBase(parts), closing_(std::move(closing)) {}

  using Context = grpc::CallbackServerContext;
  template <class Message>
  using In = const Message*;
  using Unary = grpc::ServerUnaryReactor;

  Unary* CreateFetchJob(Context*, In<fetch::v1::CreateFetchJobRequest>, fetch::v1::CreateFetchJobResponse*) override;
  Unary* ListFetchJobs(Context*, In<fetch::v1::ListFetchJobsRequest>, fetch::v1::ListFetchJobsResponse*) override;
  Unary* DeleteFetchJob(Context*, In<fetch::v1::DeleteFetchJobRequest>, fetch::v1::DeleteFetchJobResponse*) override;
  Unary* ReplaceFetchCredential(Context*, In<fetch::v1::ReplaceFetchCredentialRequest>,
                                fetch::v1::ReplaceFetchCredentialResponse*) override;
  Unary* TriggerFetchJob(Context*, In<fetch::v1::TriggerFetchJobRequest>, fetch::v1::TriggerFetchJobResponse*) override;
  Unary* LeaseFetchJobs(Context*, In<fetch::v1::LeaseFetchJobsRequest>, fetch::v1::LeaseFetchJobsResponse*) override;
  Unary* RenewFetchLease(Context*, In<fetch::v1::RenewFetchLeaseRequest>, fetch::v1::RenewFetchLeaseResponse*) override;
  Unary* FinishFetchRun(Context*, In<fetch::v1::FinishFetchRunRequest>, fetch::v1::FinishFetchRunResponse*) override;
  Unary* ListSeenIds(Context*, In<fetch::v1::ListSeenIdsRequest>, fetch::v1::ListSeenIdsResponse*) override;
  Unary* ForgetSeenIds(Context*, In<fetch::v1::ForgetSeenIdsRequest>, fetch::v1::ForgetSeenIdsResponse*) override;

 private:
  // Waits for a job that is due, then leases it.
  asio::awaitable<absl::Status> OnLease(rpc::CallInfo info, const fetch::v1::LeaseFetchJobsRequest& request,
                                        fetch::v1::LeaseFetchJobsResponse& response);

  const std::function<bool()> closing_;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_RPC_FETCH_JOB_SERVICE_H_
