#include "services/outbound_relay/scheduler.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "absl/strings/match.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/net/sleep.h"
#include "common/net/spawn.h"
#include "common/service/on_pool.h"
#include "common/telemetry/log.h"

namespace mailmesh::outbound_relay {
namespace {

// Ids read ahead for a destination that is at work.
constexpr size_t kReadAhead = 100;
constexpr size_t kDestinationsAtOnce = 1000;
constexpr size_t kAgesAtOnce = 500;
// The clock may be stepped: the loop looks at it at least this often.
constexpr auto kLongestPause = std::chrono::seconds(1);
// Back by more than this it was set, and what was planned for later may be far off.
constexpr int64_t kClockStepMs = 1000;
constexpr auto kPauseAfterError = std::chrono::seconds(1);
constexpr int64_t kBusyPauseMs = 50;
// A shard of our own comes back within seconds.
constexpr absl::Duration kLongestLocalBackOff = absl::Seconds(5);
constexpr absl::Duration kShortestAgeInterval = absl::Milliseconds(500);
constexpr absl::Duration kLongestAgeInterval = absl::Minutes(1);
// How long a destination is left alone at most, in shortest retry intervals.
constexpr int kBackOffFactor = 6;

// How much of all places the destinations of a line and of all worse ones may hold, by Standing.
constexpr std::array<double, kStandings> kShares = {1.0, 0.75, 0.5, 0.25};

double Random01() { return static_cast<double>(base::RandomBelow(1'000'000)) / 1e6; }

}  // namespace

Scheduler::Scheduler(Relay& relay, net::IoPool& pool) : relay_(relay), wake_(pool.at(0).get_executor()) {
  for (size_t i = 0; i < pool.size(); ++i) lanes_.push_back(std::make_unique<Lane>(relay, pool.at(i).get_executor()));
}

void Scheduler::Start() {
  for (const std::unique_ptr<Lane>& lane : lanes_) net::Spawn(lane->executor(), lane->Tend(), "relay-lane");
  net::Spawn(wake_.executor(), Loop(), "relay-scheduler");
  net::Spawn(wake_.executor(), ReadQueue(this), "relay-read-queue");
  net::Spawn(wake_.executor(), WatchAges(this), "relay-ages");
}

size_t Scheduler::active() const {
  absl::MutexLock lock(&mutex_);
  return running_;
}

void Scheduler::UpdateMetrics() {
  absl::MutexLock lock(&mutex_);
  const auto inflight = static_cast<double>(running_);
  relay_.metrics.queue_messages.With({"inflight"}).Set(inflight);
  relay_.metrics.queue_messages.With({"waiting"}).Set(std::max(0.0, static_cast<double>(queued_.load()) - inflight));
  const absl::Time now = relay_.clock.Now();
  int64_t oldest = kNever;
  size_t backing_off = 0;
  for (const auto& [name, queue] : queues_) {
    oldest = std::min(oldest, queue.ready.empty() ? queue.next_due_ms : queue.ready.front().due_ms);
    if (queue.pace.back_off_until() > now) ++backing_off;
  }
  const int64_t now_ms = absl::ToUnixMillis(now);
  relay_.metrics.oldest_age_seconds.Set(oldest >= now_ms ? 0 : static_cast<double>(now_ms - oldest) / 1000.0);
  relay_.metrics.destinations.With({"backing_off"}).Set(static_cast<double>(backing_off));
  relay_.metrics.destinations.With({"open"}).Set(static_cast<double>(queues_.size() - backing_off));
  static constexpr std::array<const char*, kStandings> kLabels = {"up", "new", "waiting", "failing"};
  for (size_t line = 0; line < kStandings; ++line) relay_.metrics.turns.With({kLabels[line]}).Set(static_cast<double>(held_[line]));
}

PaceOptions Scheduler::PaceFor(const std::string& destination, Standing untried) const {
  PaceOptions options;
  options.untried = untried;
  options.max_window = relay_.options.max_connections_per_destination;
  options.longest_back_off = std::min(relay_.options.max_retry, kBackOffFactor * relay_.options.min_retry);
  if (absl::StartsWith(destination, kLocalPrefix)) options.longest_back_off = kLongestLocalBackOff;
  // They hold a place each beside those of their attempts.
  if (destination == kManyDestinations) options.max_window = std::max<uint32_t>(1, relay_.options.max_connections / 4);
  return options;
}

Scheduler::Entry* Scheduler::Find(const std::string& destination, Standing untried) {
  const auto found = queues_.find(destination);
  if (found != queues_.end()) return &*found;
  return &*queues_.emplace(destination, PaceFor(destination, untried)).first;
}

size_t Scheduler::LineOf(const Entry& entry) {
  // Shards of our own are few; and what has several destinations is no destination.
  const bool ours = absl::StartsWith(entry.first, kLocalPrefix) || entry.first == kManyDestinations;
  return static_cast<size_t>(ours ? Standing::kUp : entry.second.pace.standing());
}

void Scheduler::Recount(Entry* entry) {
  Queue& queue = entry->second;
  held_[queue.held_as] -= queue.held;
  queue.held_as = LineOf(*entry);
  queue.held = queue.pace.running();
  held_[queue.held_as] += queue.held;
}

bool Scheduler::HasRoom(size_t line) const {
  if (relay_.stopping.load()) return false;
  // The share of this line's and of all better ones that it counts in.
  size_t held = 0;
  for (size_t other = kStandings; other-- > 0;) {
    held += held_[other];
    if (other <= line && held >= std::max<size_t>(1, static_cast<size_t>(kShares[other] * relay_.options.max_connections))) return false;
  }
  return true;
}

std::optional<size_t> Scheduler::NextLine() const {
  for (size_t step = 1; step <= kStandings; ++step) {
    const size_t line = (last_line_ + step) % kStandings;
    if (!turns_[line].empty() && HasRoom(line)) return line;
  }
  return std::nullopt;
}

bool Scheduler::Claim(const QueueId& id) {
  absl::MutexLock lock(&mutex_);
  return claimed_.insert(id).second;
}

void Scheduler::Release(const QueueId& id) {
  absl::MutexLock lock(&mutex_);
  claimed_.erase(id);
}

void Scheduler::SetDue(Entry* entry, int64_t due_ms) {
  entry->second.next_due_ms = std::min(entry->second.next_due_ms, due_ms);
  Reschedule(entry);
}

void Scheduler::Offer(const QueueId& id, const Place& place) {
  ++queued_;
  if (place.destination == kHeld) return;
  absl::MutexLock lock(&mutex_);
  Entry* entry = Find(place.destination, Standing::kNew);
  Queue& queue = entry->second;
  const size_t line = LineOf(*entry);
  const absl::Time now = relay_.clock.Now();
  // Nobody is overtaken: neither this destination's older messages nor destinations that wait in the same line for room.
  const bool alone = queue.ready.empty() && !queue.loading && queue.next_due_ms > absl::ToUnixMillis(now) && turns_[line].empty();
  if (alone && place.due_ms <= absl::ToUnixMillis(now) && queue.pace.MayBegin(now) && HasRoom(line) && claimed_.insert(id).second) {
    Launch(entry, id, nullptr);
    return;
  }
  SetDue(entry, place.due_ms);
}

void Scheduler::Moved(const Place& place) {
  if (place.destination == kHeld) return;
  absl::MutexLock lock(&mutex_);
  SetDue(Find(place.destination, Standing::kWaiting), place.due_ms);
}

void Scheduler::ForgetBackOff() {
  absl::MutexLock lock(&mutex_);
  LookAgain();
}

void Scheduler::LookAgain() {
  std::vector<Entry*> all;
  for (Entry& entry : queues_) all.push_back(&entry);
  for (Entry* entry : all) {
    entry->second.pace.Forget();
    Recount(entry);
    Reschedule(entry);
  }
}

void Scheduler::Wake() {
  if (woken_.exchange(true)) return;
  asio::post(wake_.executor(), [this] { wake_.Notify(); });
}

void Scheduler::Reschedule(Entry* entry) {
  Queue& queue = entry->second;
  if (queue.in_turns || queue.loading) return;
  if (queue.next_due_ms != kNever && queue.next_due_ms > relay_.LatestDueMs()) queue.next_due_ms = 0;
  if (queue.wake_ms != kNever) wakes_.erase({queue.wake_ms, entry});
  queue.wake_ms = kNever;
  const absl::Time now = relay_.clock.Now();
  int64_t due = queue.ready.empty() ? queue.next_due_ms : 0;
  if (due == kNever) {
    if (queue.pace.IsFresh(now)) {
      queues_.erase(entry->first);
      return;
    }
    if (queue.pace.standing() != Standing::kUp || queue.pace.running() > 0) return;
    due = absl::ToUnixMillis(queue.pace.known_until()) + 1;  // to be forgotten then
  }
  if (queue.pace.running() >= queue.pace.window()) return;  // the end of one of them comes here again
  const int64_t when = std::max(due, queue.pace.back_off_until() <= now ? 0 : absl::ToUnixMillis(queue.pace.back_off_until()) + 1);
  if (when <= absl::ToUnixMillis(now)) {
    queue.in_turns = true;
    turns_[LineOf(*entry)].push_back(entry);
    Wake();
    return;
  }
  queue.wake_ms = when;
  wakes_.insert({when, entry});
  if (wakes_.begin()->second == entry) Wake();
}

void Scheduler::Launch(Entry* entry, QueueId id, Lane* lane) {
  Queue& queue = entry->second;
  queue.pace.Begin();
  Recount(entry);
  ++running_;
  // One that has nothing under way may have left a connection on the lane of its last delivery.
  if (lane == nullptr && queue.lane != nullptr && queue.pace.running() == 1) lane = queue.lane;
  if (lane == nullptr) lane = lanes_[next_lane_.fetch_add(1) % lanes_.size()].get();
  queue.lane = lane;
  net::Spawn(lane->executor(), RunOne(this, lane, std::move(id), entry->first), "relay-item");
}

bool Scheduler::LaunchReady(Entry* entry, Lane* lane) {
  std::deque<DueEntry>& ready = entry->second.ready;
  while (!ready.empty()) {
    QueueId id = std::move(ready.front().id);
    ready.pop_front();
    if (!claimed_.insert(id).second) continue;
    Launch(entry, std::move(id), lane);
    return true;
  }
  return false;
}

bool Scheduler::Take(const std::string& destination) {
  absl::MutexLock lock(&mutex_);
  Entry* entry = Find(destination, Standing::kNew);
  if (!HasRoom(LineOf(*entry)) || !entry->second.pace.MayBegin(relay_.clock.Now())) {
    Reschedule(entry);  // what was made only to be asked goes again
    return false;
  }
  entry->second.pace.Begin();
  Recount(entry);
  return true;
}

void Scheduler::End(const std::string& destination, Lane& lane, Contact contact, const smtp::Outcome* failure) {
  absl::MutexLock lock(&mutex_);
  Entry* entry = Find(destination, Standing::kNew);
  Queue& queue = entry->second;
  const absl::Time now = relay_.clock.Now();
  switch (contact) {
    case Contact::kNone:
      queue.pace.End();
      break;
    case Contact::kReached:
      queue.pace.EndReached(now);
      queue.last_failure.reset();
      break;
    case Contact::kUnreachable:
      queue.pace.EndUnreachable(now, Random01());
      if (failure != nullptr) queue.last_failure = *failure;
      break;
  }
  Recount(entry);
  // With nobody else waiting the next one follows at once, on the lane that has the connection.
  const bool others = NextLine().has_value();
  if (!others && HasRoom(LineOf(*entry)) && !queue.loading && queue.pace.MayBegin(now)) LaunchReady(entry, &lane);
  Reschedule(entry);
  if (others) Wake();
}

std::optional<absl::Time> Scheduler::BacksOffUntil(const std::string& destination) {
  absl::MutexLock lock(&mutex_);
  const auto found = queues_.find(destination);
  if (found == queues_.end() || found->second.pace.back_off_until() <= relay_.clock.Now()) return std::nullopt;
  return found->second.pace.back_off_until();
}

std::optional<smtp::Outcome> Scheduler::LastFailure(const std::string& destination) {
  absl::MutexLock lock(&mutex_);
  const auto found = queues_.find(destination);
  return found == queues_.end() ? std::nullopt : found->second.last_failure;
}

net::Awaitable<void> Scheduler::RunOne(Scheduler* self, Lane* lane, QueueId id, std::string destination) {
  std::optional<Turn> turn(std::in_place, *self, std::move(destination), *lane);
  ItemRunResult result = co_await RunItem(self->relay_, *lane, *self, id, std::move(turn), RunKind::kDeliver);
  {
    absl::MutexLock lock(&self->mutex_);
    self->claimed_.erase(id);
    --self->running_;
  }
  if (result.finished) --self->queued_;
  if (result.next.has_value()) self->Moved(*result.next);
  for (const auto& [notification, place] : result.notifications) self->Offer(notification, place);
}

net::Awaitable<void> Scheduler::Loop() {
  while (!relay_.stopping.load()) {
    woken_.store(false);
    net::TimePoint until = net::After(kLongestPause);
    {
      absl::MutexLock lock(&mutex_);
      const int64_t now = relay_.NowMs();
      if (now + kClockStepMs < std::exchange(last_seen_ms_, now)) LookAgain();
      while (!wakes_.empty() && wakes_.begin()->first <= now) {
        Entry* entry = wakes_.begin()->second;
        wakes_.erase(wakes_.begin());
        entry->second.wake_ms = kNever;
        Reschedule(entry);
      }
      if (!wakes_.empty()) until = std::min(until, net::After(std::chrono::milliseconds(std::max<int64_t>(1, wakes_.begin()->first - now))));
    }
    co_await Serve();
    if (!woken_.load()) {
      [[maybe_unused]] absl::Status waited = co_await wake_.Wait(until);
    }
  }
}

net::Awaitable<void> Scheduler::Serve() {
  for (;;) {
    Entry* entry = nullptr;
    size_t limit = 0;
    {
      absl::MutexLock lock(&mutex_);
      const std::optional<size_t> line = NextLine();
      if (!line.has_value()) co_return;
      last_line_ = *line;
      entry = turns_[*line].front();
      turns_[*line].pop_front();
      Queue& queue = entry->second;
      queue.in_turns = false;
      // What is known of it may have changed while it stood here.
      if (LineOf(*entry) != *line || !queue.pace.MayBegin(relay_.clock.Now()) || LaunchReady(entry, nullptr) || queue.next_due_ms > relay_.NowMs()) {
        Reschedule(entry);
        continue;
      }
      // What runs is still in the index.
      limit = queue.pace.running() + kReadAhead;
      queue.loading = true;
      queue.next_due_ms = kNever;
    }
    co_await Load(entry, limit);
  }
}

net::Awaitable<void> Scheduler::Load(Entry* entry, size_t limit) {
  auto work = [spool = relay_.spool.get(), name = entry->first, now = relay_.NowMs(), limit, latest = relay_.LatestDueMs()] {
    return spool->ReadDue(name, now, limit, latest);
  };
  absl::StatusOr<DuePage> page = co_await service::OnPool(*relay_.spool_pool, std::move(work));
  if (!page.ok()) {
    telemetry::Error("queue not read", {{"error", base::Message(page.status())}});
    co_await net::SleepFor(kPauseAfterError);
  }
  absl::MutexLock lock(&mutex_);
  Queue& queue = entry->second;
  queue.loading = false;
  if (!page.ok()) {
    queue.next_due_ms = 0;
  } else {
    for (DueEntry& due : page->entries) {
      if (!claimed_.contains(due.id)) queue.ready.push_back(std::move(due));
    }
    // Offers that came meanwhile have said so themselves.
    int64_t next = page->next_due_ms.value_or(kNever);
    // All of them are in somebody's hand: not again at once.
    if (queue.ready.empty() && next <= relay_.NowMs()) next = relay_.NowMs() + kBusyPauseMs;
    queue.next_due_ms = std::min(queue.next_due_ms, next);
  }
  Reschedule(entry);
}

net::Awaitable<void> Scheduler::ReadQueue(Scheduler* self) {
  const net::TimePoint start = net::Clock::now();
  std::string after;
  std::vector<Place> all;
  while (!self->relay_.stopping.load()) {
    auto work = [spool = self->relay_.spool.get(), after] { return spool->Destinations(after, kDestinationsAtOnce); };
    absl::StatusOr<std::vector<Place>> places = co_await service::OnPool(*self->relay_.spool_pool, std::move(work));
    if (!places.ok()) {
      telemetry::Error("queue not read", {{"error", base::Message(places.status())}});
      co_await net::SleepFor(kPauseAfterError);
      continue;
    }
    if (places->empty()) break;
    after = places->back().destination;
    std::move(places->begin(), places->end(), std::back_inserter(all));
  }
  // Where mail has waited longest it was tried most, and is the least likely to get out now.
  std::sort(all.begin(), all.end(), [](const Place& a, const Place& b) { return a.due_ms > b.due_ms; });
  for (const Place& place : all) self->Moved(place);
  auto count = [spool = self->relay_.spool.get()] { return spool->Count(); };
  absl::StatusOr<uint64_t> counted = co_await service::OnPool(*self->relay_.spool_pool, std::move(count));
  // What has come and gone in the meantime was counted too: a figure for the metrics, not for decisions.
  if (counted.ok()) self->queued_ = static_cast<int64_t>(*counted);
  const std::chrono::duration<double> took = net::Clock::now() - start;
  telemetry::Info("queue opened", {{"messages", counted.value_or(0)}, {"destinations", static_cast<uint64_t>(all.size())}, {"seconds", took.count()}});
}

net::Awaitable<void> Scheduler::WatchAges(Scheduler* self) {
  const RelayOptions& options = self->relay_.options;
  absl::Duration shortest = options.max_age;
  if (options.delay_warning > absl::ZeroDuration()) shortest = std::min(shortest, options.delay_warning);
  const absl::Duration interval = std::clamp(shortest / 10, kShortestAgeInterval, kLongestAgeInterval);
  QueueId warned, expired;  // how far each has come: a message is looked at once for each
  while (!self->relay_.stopping.load()) {
    const net::TimePoint next = net::After(std::chrono::milliseconds(absl::ToInt64Milliseconds(interval)));
    while (!self->relay_.stopping.load() && net::Clock::now() < next) co_await net::SleepFor(std::chrono::milliseconds(200));
    if (options.delay_warning > absl::ZeroDuration()) co_await self->ConcludeOld(&warned, options.delay_warning);
    co_await self->ConcludeOld(&expired, options.max_age);
  }
}

net::Awaitable<void> Scheduler::ConcludeOld(QueueId* cursor, absl::Duration age) {
  // A message's time is noted just after its id is made.
  const QueueId end = FirstIdAt(absl::ToUnixMillis(relay_.clock.Now() - age - absl::Seconds(1)));
  while (!relay_.stopping.load() && *cursor < end) {
    auto work = [spool = relay_.spool.get(), after = *cursor] { return spool->List(after, kAgesAtOnce); };
    auto items = co_await service::OnPool(*relay_.spool_pool, std::move(work));
    if (!items.ok()) co_return;
    for (const auto& [id, item] : *items) {
      if (id >= end) co_return;
      *cursor = id;
      // What runs comes to the same conclusion by itself; what is tried soon will.
      if (item.held() || relay_.stopping.load() || !Claim(id)) continue;
      std::optional<Turn> none;
      ItemRunResult result = co_await RunItem(relay_, *lanes_[0], *this, id, std::move(none), RunKind::kConclude);
      Release(id);
      if (result.finished) --queued_;
      if (result.next.has_value()) Moved(*result.next);
      for (const auto& [notification, place] : result.notifications) Offer(notification, place);
    }
    if (items->size() < kAgesAtOnce) co_return;
  }
}

}  // namespace mailmesh::outbound_relay
