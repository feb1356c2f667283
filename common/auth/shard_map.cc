#include "common/auth/shard_map.h"

#include <grpcpp/channel.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/base/status.h"
#include "common/rpc/client_call.h"
#include "mailmesh/directory/v1/directory_service.grpc.pb.h"

namespace mailmesh::auth {
namespace {

using directory::v1::Shard;
using Stub = directory::v1::DirectoryService::Stub;
using Time = std::chrono::steady_clock::time_point;

// How often the map is read for a name that is not in it, and how long an old map is used before the directory that was
// away is asked again.
constexpr auto kPause = std::chrono::seconds(1);
constexpr auto kLearnt = std::chrono::seconds(10);
constexpr absl::Duration kPatience = absl::Seconds(2);
constexpr size_t kMaxShards = 10'000;

}  // namespace

class ShardMap::Impl {
 public:
  Impl(std::shared_ptr<grpc::Channel> channel, ChannelFactory factory, const base::Clock& clock)
      : clock_(clock),
        factory_(std::move(factory)),
        channel_(std::move(channel)),
        stub_(directory::v1::DirectoryService::NewStub(channel_)) {}

  net::Awaitable<absl::StatusOr<std::shared_ptr<grpc::Channel>>> Find(std::string shard, net::TimePoint deadline) {
    std::optional<std::string> endpoint = Known(shard);
    absl::Status refreshed;
    if (MustRead(endpoint.has_value())) {
      refreshed = co_await Refresh(deadline, endpoint.has_value());
      endpoint = Known(shard);
    }
    if (!endpoint) {
      if (!refreshed.ok()) co_return refreshed;
      co_return absl::NotFoundError(absl::StrCat("no such shard: ", shard));
    }
    co_return ChannelTo(*endpoint);
  }

  net::Awaitable<absl::StatusOr<std::vector<Shard>>> List(net::TimePoint deadline) {
    bool have = HaveMap();
    if (MustRead(have)) {
      absl::Status refreshed = co_await Refresh(deadline, have);
      if (!refreshed.ok() && !HaveMap()) co_return refreshed;
    }
    co_return Copy();
  }

  void Learn(const std::string& shard, const std::string& endpoint) {
    if (shard.empty() || endpoint.empty()) return;
    absl::MutexLock lock(&mutex_);
    if (endpoints_.size() < kMaxShards) endpoints_[shard] = endpoint;
    // The first sessions of a gateway need no look-up of their own.
    if (!read_) fresh_until_ = std::max(fresh_until_, clock_.Monotonic() + kLearnt);
  }

  void Invalidate() {
    absl::MutexLock lock(&mutex_);
    fresh_until_ = Time::min();
  }

 private:
  std::optional<std::string> Known(const std::string& shard) const {
    absl::MutexLock lock(&mutex_);
    auto it = endpoints_.find(shard);
    if (it == endpoints_.end()) return std::nullopt;
    return it->second;
  }

  bool HaveMap() const {
    absl::MutexLock lock(&mutex_);
    return read_;
  }

  std::vector<Shard> Copy() const {
    absl::MutexLock lock(&mutex_);
    std::vector<Shard> shards;
    for (const auto& [name, endpoint] : endpoints_) {
      Shard& shard = shards.emplace_back();
      shard.set_name(name);
      shard.set_endpoint(endpoint);
    }
    return shards;
  }

  // `have`: what was asked for is known, be it old. Says yes to one caller at a time: the others use what they have.
  bool MustRead(bool have) {
    Time now = clock_.Monotonic();
    absl::MutexLock lock(&mutex_);
    if (have && now < fresh_until_) return false;
    if (have || read_) {
      if (now < next_read_) return false;
      next_read_ = now + kPause;
    }
    return true;
  }

  net::Awaitable<absl::Status> Refresh(net::TimePoint deadline, bool have) {
    directory::v1::ListShardsRequest request;
    rpc::CallContext context = rpc::CallContext::Until(deadline);
    if (have) context = context.AtMost(kPatience);
    auto answer = co_await rpc::UnaryCall(stub_->async(), &Stub::async::ListShards, request, context);
    if (!answer.ok()) co_return answer.status();
    Replace(*answer);
    co_return absl::OkStatus();
  }

  void Replace(const directory::v1::ListShardsResponse& answer) {
    std::map<std::string, std::string> endpoints;
    for (const Shard& shard : answer.shards()) endpoints[shard.name()] = shard.endpoint();
    // Channels that nothing leads to any more; let go of outside of the lock.
    std::vector<std::shared_ptr<grpc::Channel>> unused;
    absl::MutexLock lock(&mutex_);
    endpoints_ = std::move(endpoints);
    read_ = true;
    fresh_until_ = clock_.Monotonic() + std::chrono::seconds(answer.cache_seconds());
    for (auto it = channels_.begin(); it != channels_.end();) {
      if (IsUsed(it->first)) {
        ++it;
        continue;
      }
      unused.push_back(std::move(it->second));
      it = channels_.erase(it);
    }
  }

  bool IsUsed(const std::string& endpoint) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (const auto& [name, used] : endpoints_) {
      if (used == endpoint) return true;
    }
    return false;
  }

  absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelTo(const std::string& endpoint) {
    absl::MutexLock lock(&mutex_);
    std::shared_ptr<grpc::Channel>& channel = channels_[endpoint];
    if (channel == nullptr) channel = factory_(endpoint);
    if (channel != nullptr) return channel;
    channels_.erase(endpoint);
    return absl::UnavailableError(absl::StrCat("no channel to ", endpoint));
  }

  const base::Clock& clock_;
  const ChannelFactory factory_;
  std::shared_ptr<grpc::Channel> channel_;  // shared with the other calls to the role
  std::unique_ptr<Stub> stub_;
  mutable absl::Mutex mutex_;
  std::map<std::string, std::string> endpoints_ ABSL_GUARDED_BY(mutex_);
  // Each shared with the calls made over it.
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_ ABSL_GUARDED_BY(mutex_);
  // The whole map has been read once.
  bool read_ ABSL_GUARDED_BY(mutex_) = false;
  Time fresh_until_ ABSL_GUARDED_BY(mutex_) = Time::min();
  Time next_read_ ABSL_GUARDED_BY(mutex_) = Time::min();
};

ShardMap::ShardMap(std::shared_ptr<grpc::Channel> directory, ChannelFactory factory, const base::Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(directory), std::move(factory), clock)) {}
ShardMap::~ShardMap() = default;

net::Awaitable<absl::StatusOr<std::shared_ptr<grpc::Channel>>> ShardMap::Channel(std::string shard, net::TimePoint deadline) {
  return impl_->Find(std::move(shard), deadline);
}
net::Awaitable<absl::StatusOr<std::vector<directory::v1::Shard>>> ShardMap::List(net::TimePoint deadline) {
  return impl_->List(deadline);
}
void ShardMap::Learn(const std::string& shard, const std::string& endpoint) { impl_->Learn(shard, endpoint); }
void ShardMap::Invalidate() { impl_->Invalidate(); }

}  // namespace mailmesh::auth
