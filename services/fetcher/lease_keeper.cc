#include "services/fetcher/lease_keeper.h"

#include "common/net/spawn.h"
#include "common/rpc/client_call.h"

namespace mailmesh::fetcher {

using fetch::v1::FetchJobService;
using Methods = class FetchJobService::Stub::async;

LeaseKeeper::LeaseKeeper(net::Executor executor, std::shared_ptr<grpc::Channel> store, std::string job_id, uint64_t token,
                         absl::Duration lease)
    : stop_event_(std::move(executor)),
      stub_(FetchJobService::NewStub(std::move(store))),
      job_id_(std::move(job_id)),
      token_(token),
      lease_(lease) {}

void LeaseKeeper::Start() { net::Spawn(stop_event_.executor(), Run(shared_from_this()), "fetch-lease"); }

void LeaseKeeper::Stop() {
  stopped_ = true;
  stop_event_.Notify();
}

net::Awaitable<void> LeaseKeeper::Run(std::shared_ptr<LeaseKeeper> self) { co_await self->Loop(); }

net::Awaitable<void> LeaseKeeper::Loop() {
  absl::Time valid_until = absl::Now() + lease_;
  while (!stopped_ && !lost_) {
    const net::TimePoint next = net::After(absl::ToChronoNanoseconds(lease_ / 3));
    [[maybe_unused]] absl::Status waited = co_await stop_event_.Wait(next);
    if (stopped_) co_return;
    fetch::v1::RenewFetchLeaseRequest request;
    request.set_job_id(job_id_);
    request.set_lease_token(token_);
    request.set_time_limit_seconds(static_cast<uint32_t>(absl::ToInt64Seconds(lease_)));
    const absl::Time asked = absl::Now();
    rpc::CallContext context = rpc::CallContext::Within(lease_ / 4);
    auto renewed = co_await rpc::UnaryCall(stub_->async(), &Methods::RenewFetchLease, request, context);
    if (renewed.ok()) {
      valid_until = asked + lease_;
    } else if (absl::IsFailedPrecondition(renewed.status()) || absl::IsNotFound(renewed.status()) ||
               absl::Now() > valid_until) {
      lost_ = true;
    }
  }
}

}  // namespace mailmesh::fetcher
