#include "services/outbound_relay/scheduler.h"

#include <algorithm>
#include <chrono>

#include "common/base/status.h"
#include "common/net/sleep.h"
#include "common/net/spawn.h"
#include "common/service/on_pool.h"
#include "common/telemetry/log.h"
#include "services/outbound_relay/item_run.h"

namespace mailmesh::outbound_relay {
namespace {

constexpr size_t kMaxActive = 1000;
// The index is looked at when the next message is due, at most this late, and after a wake-up.
constexpr auto kLongestPause = std::chrono::seconds(1);
// Wake-ups that come close together cost one look.
constexpr auto kShortestPause = std::chrono::milliseconds(5);

struct DueLook {
  std::vector<DueEntry> entries;
  std::optional<int64_t> earliest;
};

}  // namespace

Scheduler::Scheduler(Relay& relay, net::IoPool& pool) : relay_(relay), wake_(pool.at(0).get_executor()) {
  for (size_t i = 0; i < pool.size(); ++i) lanes_.push_back(std::make_unique<Lane>(relay, pool.at(i).get_executor(), pool.size()));
}

void Scheduler::Start(uint64_t queued) {
  queued_ = static_cast<int64_t>(queued);
  for (const std::unique_ptr<Lane>& lane : lanes_) net::Spawn(lane->executor(), lane->Tend(), "relay-lane");
  net::Spawn(wake_.executor(), Loop(), "relay-scheduler");
}

size_t Scheduler::active() const {
  absl::MutexLock lock(&mutex_);
  return active_.size();
}

void Scheduler::UpdateMetrics() {
  const auto inflight = static_cast<double>(active());
  relay_.metrics.queue_messages.With({"inflight"}).Set(inflight);
  relay_.metrics.queue_messages.With({"waiting"}).Set(std::max(0.0, static_cast<double>(queued_.load()) - inflight));
  const int64_t oldest = oldest_due_ms_.load();
  const int64_t now = relay_.NowMs();
  relay_.metrics.oldest_age_seconds.Set(oldest == 0 || oldest > now ? 0 : static_cast<double>(now - oldest) / 1000.0);
}

bool Scheduler::Claim(const QueueId& id) {
  absl::MutexLock lock(&mutex_);
  if (active_.size() >= kMaxActive) return false;
  return active_.insert(id).second;
}

void Scheduler::Launch(QueueId id) {
  Lane* lane = lanes_[next_lane_.fetch_add(1) % lanes_.size()].get();
  net::Spawn(lane->executor(), RunOne(this, lane, std::move(id)), "relay-item");
}

void Scheduler::Offer(const QueueId& id) {
  ++queued_;
  if (relay_.stopping.load() || !Claim(id)) return;
  Launch(id);
}

void Scheduler::Wake() {
  if (woken_.exchange(true)) return;
  asio::post(wake_.executor(), [this] { wake_.Notify(); });
}

void Scheduler::ForgetBackOff() {
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    asio::post(lane->executor(), [lane = lane.get()] { lane->ForgetBackOff(); });
  }
}

net::Awaitable<void> Scheduler::RunOne(Scheduler* self, Lane* lane, QueueId id) {
  ItemRunResult result = co_await RunItem(self->relay_, *lane, id);
  self->queued_ += static_cast<int64_t>(result.notifications) - (result.finished ? 1 : 0);
  bool was_full = false;
  {
    absl::MutexLock lock(&self->mutex_);
    was_full = self->active_.size() >= kMaxActive;
    self->active_.erase(id);
  }
  if (was_full || result.notifications > 0) self->Wake();
}

net::Awaitable<void> Scheduler::Loop() {
  while (!relay_.stopping.load()) {
    woken_.store(false);
    const int64_t now = relay_.NowMs();
    // What runs is still in the index, so as many more have to be read.
    const size_t limit = active() + kMaxActive;
    auto work = [spool = relay_.spool.get(), now, limit]() -> absl::StatusOr<DueLook> {
      DueLook look;
      ASSIGN_OR_RETURN(look.entries, spool->ReadDue(now, limit));
      ASSIGN_OR_RETURN(look.earliest, spool->EarliestDue());
      return look;
    };
    absl::StatusOr<DueLook> look = co_await service::OnPool(*relay_.spool_pool, std::move(work));
    if (!look.ok()) {
      telemetry::Error("queue not read", {{"error", base::Message(look.status())}});
      co_await net::SleepFor(kLongestPause);
      continue;
    }
    oldest_due_ms_ = look->earliest.value_or(0);
    for (const DueEntry& entry : look->entries) {
      if (relay_.stopping.load()) co_return;
      if (Claim(entry.id)) Launch(entry.id);
    }
    co_await net::SleepFor(kShortestPause);
    const net::TimePoint until = net::After(kLongestPause);
    if (!woken_.load()) {
      [[maybe_unused]] absl::Status waited = co_await wake_.Wait(until);
    }
  }
}

}  // namespace mailmesh::outbound_relay
