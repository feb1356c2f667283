#include "services/fetcher/lease_keeper.h"

#include "common/rpc/client_call.h"
#include "mailmesh/fetch/v1/fetch_job_service.grpc.pb.h"

namespace mailmesh::fetcher {
namespace {

using fetch::v1::FetchJobService;
using Methods = class FetchJobService::Stub::async;

net::Awaitable<absl::Status> Renew(std::shared_ptr<FetchJobService::Stub> stub, fetch::v1::RenewFetchLeaseRequest request,
                                   telemetry::Trace trace) {
  rpc::CallContext context = rpc::CallContext::Within(absl::Seconds(request.time_limit_seconds()) / 4, std::move(trace));
  auto renewed = co_await rpc::UnaryCall(stub->async(), &Methods::RenewFetchLease, request, context);
  co_return renewed.status();
}

}  // namespace

std::shared_ptr<LeaseKeeper> NewLeaseKeeper(net::Executor executor, std::shared_ptr<grpc::Channel> store, std::string job_id,
                                            uint64_t token, absl::Duration lease, telemetry::Trace trace) {
  std::shared_ptr<FetchJobService::Stub> stub = FetchJobService::NewStub(std::move(store));
  fetch::v1::RenewFetchLeaseRequest request;
  request.set_job_id(std::move(job_id));
  request.set_lease_token(token);
  request.set_time_limit_seconds(static_cast<uint32_t>(absl::ToInt64Seconds(lease)));
  auto renew = [stub, request = std::move(request), trace = std::move(trace)] { return Renew(stub, request, trace); };
  // Another fetcher may be at the job once the time is over: stop touching anything.
  const LeaseKeeper::Options options{lease, true};
  return std::make_shared<LeaseKeeper>(std::move(executor), options, std::move(renew));
}

}  // namespace mailmesh::fetcher
