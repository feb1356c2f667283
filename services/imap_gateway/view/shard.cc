#include "services/imap_gateway/view/shard.h"

#include <asio/post.hpp>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/net/sleep.h"
#include "common/net/spawn.h"
#include "common/rpc/retry.h"
#include "common/telemetry/log.h"
#include "services/imap_gateway/view/watch_stream.h"

namespace mailmesh::imap_gateway {
namespace {

// The store says something at least every 10 s.
constexpr auto kSilence = std::chrono::seconds(30);
constexpr auto kSupervision = std::chrono::seconds(5);
// A client that goes back and forth between mailboxes finds them still watched.
constexpr auto kLinger = std::chrono::seconds(60);
constexpr auto kConnectTimeout = std::chrono::seconds(10);

}  // namespace

ViewLease::ViewLease(std::shared_ptr<Shard> shard, std::shared_ptr<View> view, std::shared_ptr<Observer> observer)
    : shard_(std::move(shard)), view_(std::move(view)), observer_(std::move(observer)) {}

ViewLease& ViewLease::operator=(ViewLease&& other) noexcept {
  if (this != &other) {
    Release();
    shard_ = std::move(other.shard_);
    view_ = std::move(other.view_);
    observer_ = std::move(other.observer_);
  }
  return *this;
}

ViewLease::~ViewLease() { Release(); }

void ViewLease::Release() {
  if (view_ == nullptr) return;
  view_->RemoveObserver(observer_.get());
  shard_->Close(view_);
  view_ = nullptr;
}

Shard::Shard(std::string name, auth::ShardMap& map, net::Executor executor, size_t closed_view_bytes)
    : name_(std::move(name)), map_(map), executor_(std::move(executor)), closed_view_bytes_(closed_view_bytes) {}

Shard::~Shard() = default;

bool Shard::healthy() const {
  const net::TimePoint heard{net::Clock::duration(last_heard_.load())};
  return net::Clock::now() - heard <= kSilence;
}

size_t Shard::view_count() const {
  absl::MutexLock lock(&mutex_);
  return slots_.size();
}

net::Awaitable<absl::StatusOr<std::shared_ptr<Shard::Stub>>> Shard::stub(net::TimePoint deadline) {
  {
    absl::MutexLock lock(&mutex_);
    if (stub_ != nullptr) co_return stub_;
  }
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = co_await map_.Channel(name_, deadline);
  if (!channel.ok()) co_return channel.status();
  absl::MutexLock lock(&mutex_);
  if (stub_ == nullptr || channel_ != *channel) {
    channel_ = *channel;
    stub_ = mailbox::v1::MailboxService::NewStub(*channel);
  }
  co_return stub_;
}

void Shard::Forget() {
  map_.Invalidate();
  absl::MutexLock lock(&mutex_);
  stub_ = nullptr;
}

void Shard::StartLoopLocked() {
  if (running_ || stopping_.load()) return;
  running_ = true;
  ended_.store(false);
  // Posted: nothing of it may run under the lock.
  asio::post(executor_, [self = shared_from_this()] { net::Spawn(self->executor_, Run(self), "imap-watch"); });
}

net::Awaitable<absl::StatusOr<ViewLease>> Shard::Open(ViewKey key, std::string incarnation, uint64_t modseq,
                                                      std::shared_ptr<Observer> observer, net::TimePoint deadline) {
  std::shared_ptr<View> view;
  std::shared_ptr<View> replaced;
  bool watched = false;
  {
    absl::MutexLock lock(&mutex_);
    StartLoopLocked();
    auto it = slots_.find(key);
    if (it != slots_.end() && it->second.view->incarnation() != incarnation) {
      replaced = it->second.view;
      slots_.erase(it);
      it = slots_.end();
    }
    if (it == slots_.end()) {
      Slot slot;
      slot.view = std::make_shared<View>(key, incarnation);
      it = slots_.emplace(key, std::move(slot)).first;
    }
    ++it->second.users;
    view = it->second.view;
    // An error of an earlier attempt is not the answer to this one.
    if (it->second.phase == Phase::kNew) view->ClearError();
    watched = it->second.phase == Phase::kWatched;
  }
  if (replaced != nullptr) replaced->SetEnd(View::End::kReplaced);
  view->AddObserver(observer);
  ViewLease lease(shared_from_this(), view, observer);
  // A view that is followed already needs no visit to the loop, which is another thread most often.
  if (!watched) asio::post(executor_, [self = shared_from_this(), view] { self->Ensure(view); });
  absl::Status status = co_await lease.WaitFor(modseq, deadline);
  if (!status.ok()) co_return status;
  co_return lease;
}

void Shard::Close(const std::shared_ptr<View>& view) {
  absl::MutexLock lock(&mutex_);
  const auto it = slots_.find(view->key());
  if (it == slots_.end() || it->second.view != view) return;
  if (--it->second.users == 0) it->second.unused_since = net::Clock::now();
}

void Shard::Stop() {
  stopping_.store(true);
  asio::post(executor_, [self = shared_from_this()] {
    absl::MutexLock lock(&self->mutex_);
    if (self->stream_ != nullptr) self->stream_->Close();
  });
}

net::Awaitable<void> Shard::Run(Self self) {
  int failures = 0;
  while (!self->stopping_.load()) {
    bool heard = co_await self->Watch();
    failures = heard ? 1 : failures + 1;
    if (self->stopping_.load()) break;
    co_await rpc::ReconnectPause(rpc::RetryPolicy(), failures);
  }
  self->ended_.store(true);
}

// Follows one stream to its end. Whether the store said anything.
net::Awaitable<bool> Shard::Watch() {
  net::TimePoint deadline = net::After(kConnectTimeout);
  absl::StatusOr<std::shared_ptr<Stub>> stub = co_await this->stub(deadline);
  if (!stub.ok() || stopping_.load()) co_return false;
  std::shared_ptr<WatchStream> stream = WatchStream::Start(*stub, executor_);
  {
    absl::MutexLock lock(&mutex_);
    stream_ = stream;
    for (auto& [key, slot] : slots_) {
      if (slot.phase == Phase::kWatched) Subscribe(slot);
    }
  }
  net::Spawn(executor_, Supervise(shared_from_this(), stream), "imap-watch-supervisor");
  bool heard = false;
  absl::Status end;
  for (;;) {
    auto next = co_await stream->Read();
    if (!next.ok()) end = next.status();
    if (!next.ok() || !next->has_value()) break;
    if (!heard) telemetry::Info("watching", {{"shard", name_}});
    heard = true;
    Heard();
    Handle(**next);
  }
  stream->Close();
  absl::MutexLock lock(&mutex_);
  stream_ = nullptr;
  watches_.clear();
  for (auto& [key, slot] : slots_) slot.watch_id = 0;
  if (heard) telemetry::Warning("watch ended", {{"shard", name_}, {"error", base::Message(end)}});
  // Another address may serve the shard by now.
  stub_ = nullptr;
  co_return heard;
}

net::Awaitable<void> Shard::Supervise(Self self, std::shared_ptr<WatchStream> stream) {
  const net::TimePoint start = net::Clock::now();
  for (;;) {
    co_await net::SleepFor(kSupervision);
    if (stream->closed() || self->stopping_.load()) co_return;
    if (!self->healthy() && net::Clock::now() - start > kSilence) {
      telemetry::Warning("store is silent", {{"shard", self->name_}});
      stream->Cancel();
      co_return;
    }
    self->Tidy();
  }
}

// Whatever the view needs to become current.
void Shard::Ensure(const std::shared_ptr<View>& view) {
  absl::MutexLock lock(&mutex_);
  const auto it = slots_.find(view->key());
  if (it == slots_.end() || it->second.view != view) return;
  Slot& slot = it->second;
  switch (slot.phase) {
    case Phase::kNew:
      slot.phase = Phase::kReading;
      SpawnRead(view, 0);
      break;
    case Phase::kClosed:
      slot.phase = Phase::kWatched;
      Subscribe(slot);
      break;
    case Phase::kReading:
    case Phase::kWatched:
      break;
  }
}

void Shard::SpawnRead(const std::shared_ptr<View>& view, int failures) {
  asio::post(executor_, [self = shared_from_this(), view, failures] {
    net::Spawn(self->executor_, Read(self, view, failures), "imap-view-read");
  });
}

void Shard::Subscribe(Slot& slot) {
  if (stream_ == nullptr || stream_->closed()) return;  // done when the stream is there
  slot.watch_id = next_watch_id_++;
  watches_[slot.watch_id] = slot.view->key();
  WatchStream::Request request;
  auto* subscribe = request.mutable_subscribe();
  subscribe->set_watch_id(slot.watch_id);
  subscribe->set_account_id(slot.view->key().account_id);
  subscribe->set_mailbox_id(slot.view->key().mailbox_id);
  subscribe->set_after_modseq(slot.view->version()->modseq());
  subscribe->set_incarnation(slot.view->incarnation());
  stream_->Send(std::move(request));
}

void Shard::Unsubscribe(Slot& slot) {
  if (slot.watch_id == 0) return;
  watches_.erase(slot.watch_id);
  if (stream_ != nullptr && !stream_->closed()) {
    WatchStream::Request request;
    request.mutable_unsubscribe()->set_watch_id(slot.watch_id);
    stream_->Send(std::move(request));
  }
  slot.watch_id = 0;
}

// Views that nobody uses: watched for a while, kept while there is room, then forgotten, the oldest first.
void Shard::Tidy() {
  const net::TimePoint now = net::Clock::now();
  absl::MutexLock lock(&mutex_);
  std::vector<std::map<ViewKey, Slot>::iterator> unused;
  size_t bytes = 0;
  for (auto it = slots_.begin(); it != slots_.end(); ++it) {
    Slot& slot = it->second;
    if (slot.users > 0 || slot.phase == Phase::kReading) continue;
    if (slot.phase == Phase::kWatched && now - slot.unused_since >= kLinger) {
      Unsubscribe(slot);
      slot.phase = Phase::kClosed;
    }
    const VersionPtr version = slot.view->version();
    bytes += version == nullptr ? 0 : version->MemoryBytes();
    unused.push_back(it);
  }
  std::sort(unused.begin(), unused.end(),
            [](const auto& a, const auto& b) { return a->second.unused_since < b->second.unused_since; });
  for (const auto& it : unused) {
    const VersionPtr version = it->second.view->version();
    if (bytes <= closed_view_bytes_ && version != nullptr) continue;
    bytes -= version == nullptr ? 0 : version->MemoryBytes();
    Unsubscribe(it->second);
    slots_.erase(it);
  }
}

void Shard::Drop(const std::shared_ptr<View>& view, View::End end) {
  {
    absl::MutexLock lock(&mutex_);
    const auto it = slots_.find(view->key());
    if (it != slots_.end() && it->second.view == view) {
      Unsubscribe(it->second);
      slots_.erase(it);
    }
  }
  view->SetEnd(end);
}

}  // namespace mailmesh::imap_gateway
