#include "common/rpc/lease_keeper.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/net/spawn.h"

namespace mailmesh::rpc {

LeaseKeeper::LeaseKeeper(net::Executor executor, Options options, Renew renew, std::function<void()> on_lost)
    : stop_event_(std::move(executor)), options_(options), renew_(std::move(renew)), on_lost_(std::move(on_lost)) {}

void LeaseKeeper::Start() { net::Spawn(stop_event_.executor(), Run(shared_from_this()), "lease"); }

void LeaseKeeper::Stop() {
  stopped_ = true;
  stop_event_.Notify();
}

net::Awaitable<void> LeaseKeeper::Run(std::shared_ptr<LeaseKeeper> self) { co_await self->Loop(); }

net::Awaitable<void> LeaseKeeper::Loop() {
  absl::Time valid_until = absl::Now() + options_.lease;
  while (!stopped_) {
    // Two renewals may fail before the third is too late.
    const net::TimePoint next = net::After(absl::ToChronoNanoseconds(options_.lease / 4));
    [[maybe_unused]] absl::Status waited = co_await stop_event_.Wait(next);
    if (stopped_) co_return;
    const absl::Time asked = absl::Now();
    absl::Status renewed = co_await renew_();
    if (stopped_) co_return;
    if (renewed.ok()) {
      valid_until = asked + options_.lease;
    } else if (absl::IsFailedPrecondition(renewed) || absl::IsNotFound(renewed) ||
               (options_.lost_when_expired && absl::Now() > valid_until)) {
      lost_ = true;
      if (on_lost_) on_lost_();
      co_return;
    }
  }
}

}  // namespace mailmesh::rpc
