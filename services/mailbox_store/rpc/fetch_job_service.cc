#include "services/mailbox_store/rpc/fetch_job_service.h"

#include <algorithm>
#include <chrono>

#include "absl/synchronization/notification.h"
#include "common/net/sleep.h"
#include "services/mailbox_store/engine/fetch_jobs.h"
#include "services/mailbox_store/engine/fetch_leases.h"

namespace mailmesh::mailbox_store {

using namespace fetch::v1;  // NOLINT: every message of the contract
using Service = FetchJobServiceImpl;

namespace {

// A look at the schedule costs a lock; what is due may be leased this much later.
constexpr std::chrono::milliseconds kLook{100};
constexpr uint32_t kMaxWaitSeconds = 300;

// Blocks until the leases are durable.
absl::StatusOr<LeaseFetchJobsResponse> LeaseAndWait(Store& store, const LeaseFetchJobsRequest& request) {
  // Shared with the completion.
  struct Waiting {
    absl::Notification done;
    absl::StatusOr<LeaseFetchJobsResponse> response = absl::InternalError("not answered");
  };
  auto waiting = std::make_shared<Waiting>();
  mailbox_store::LeaseFetchJobs(store, request, [waiting](absl::StatusOr<LeaseFetchJobsResponse> response) {
    waiting->response = std::move(response);
    waiting->done.Notify();
  });
  waiting->done.WaitForNotification();
  return std::move(waiting->response);
}

}  // namespace

Service::Unary* Service::CreateFetchJob(Context* context, In<CreateFetchJobRequest> request, CreateFetchJobResponse* response) {
  return Change<Operation::kFetchJob, &mailbox_store::CreateFetchJob>(context, request, response);
}

Service::Unary* Service::DeleteFetchJob(Context* context, In<DeleteFetchJobRequest> request, DeleteFetchJobResponse* response) {
  return Change<Operation::kFetchJob, &mailbox_store::DeleteFetchJob>(context, request, response);
}

Service::Unary* Service::ReplaceFetchCredential(Context* context, In<ReplaceFetchCredentialRequest> request,
                                                ReplaceFetchCredentialResponse* response) {
  return Change<Operation::kFetchJob, &mailbox_store::ReplaceFetchCredential>(context, request, response);
}

Service::Unary* Service::TriggerFetchJob(Context* context, In<TriggerFetchJobRequest> request, TriggerFetchJobResponse* response) {
  return Change<Operation::kFetchJob, &mailbox_store::TriggerFetchJob>(context, request, response);
}

Service::Unary* Service::RenewFetchLease(Context* context, In<RenewFetchLeaseRequest> request, RenewFetchLeaseResponse* response) {
  return Change<Operation::kFetchJob, &mailbox_store::RenewFetchLease>(context, request, response);
}

Service::Unary* Service::FinishFetchRun(Context* context, In<FinishFetchRunRequest> request, FinishFetchRunResponse* response) {
  return Change<Operation::kFetchJob, &mailbox_store::FinishFetchRun>(context, request, response);
}

Service::Unary* Service::ForgetSeenIds(Context* context, In<ForgetSeenIdsRequest> request, ForgetSeenIdsResponse* response) {
  return Change<Operation::kFetchJob, &mailbox_store::ForgetSeenIds>(context, request, response);
}

Service::Unary* Service::ListFetchJobs(Context* context, In<ListFetchJobsRequest> request, ListFetchJobsResponse* response) {
  return Read<Operation::kFetchJob, &mailbox_store::ListFetchJobs>(context, request, response);
}

Service::Unary* Service::ListSeenIds(Context* context, In<ListSeenIdsRequest> request, ListSeenIdsResponse* response) {
  return Read<Operation::kFetchJob, &mailbox_store::ListSeenIds>(context, request, response);
}

Service::Unary* Service::LeaseFetchJobs(Context* context, In<LeaseFetchJobsRequest> request,
                                        LeaseFetchJobsResponse* response) {
  return rpc::HandleUnary(context, parts_.io.Next().get_executor(), request, response, this, &FetchJobServiceImpl::OnLease);
}

asio::awaitable<absl::Status> Service::OnLease(rpc::CallInfo info, const LeaseFetchJobsRequest& request,
                                               LeaseFetchJobsResponse& response) {
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::seconds(std::min(request.wait_seconds(), kMaxWaitSeconds));
  while (true) {
    if (info.cancelled()) co_return absl::CancelledError("the caller is gone");
    if (parts_.store.fetch_leases().AnyDue()) {
      Store* const store = &parts_.store;
      auto lease = [store, request] { return LeaseAndWait(*store, request); };
      absl::StatusOr<LeaseFetchJobsResponse> leased = co_await service::OnPool(parts_.changes, std::move(lease));
      if (!leased.ok()) co_return leased.status();
      if (!leased->leases().empty()) {
        response = std::move(leased).value();
        co_return absl::OkStatus();
      }
    }
    // The end of the process ends the wait: an empty answer is a good one.
    if (std::chrono::steady_clock::now() + kLook >= until || closing_()) co_return absl::OkStatus();
    co_await net::SleepFor(kLook);
  }
}

}  // namespace mailmesh::mailbox_store
