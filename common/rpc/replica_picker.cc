#include "common/rpc/replica_picker.h"

#include <grpcpp/generic/generic_stub.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/bytes.h"
#include "common/rpc/awaitable_event.h"
#include "common/rpc/retry.h"
#include "common/rpc/status_mapping.h"

namespace mailmesh::rpc {
namespace {

constexpr absl::Duration kPickFor = absl::Milliseconds(100);
constexpr absl::Duration kProbeTimeout = absl::Seconds(5);
constexpr char kHealthCheck[] = "/grpc.health.v1.Health/Check";

// The peer that has answered. Health is served by every role to every role, and costs it nothing.
asio::awaitable<absl::StatusOr<std::string>> Probe(std::shared_ptr<grpc::Channel> channel, CallContext context) {
  std::unique_ptr<grpc::ClientContext> client = rpc_internal::MakeClientContext(context);
  grpc::GenericStub stub(channel);
  const grpc::Slice nothing;
  grpc::ByteBuffer request(&nothing, 1);  // an empty HealthCheckRequest: the whole server
  grpc::ByteBuffer response;
  grpc::Status status;
  rpc_internal::AwaitableEvent done;
  auto start = [&stub, &request, &response, &status, &done, context = client.get()] {
    // `status` is written before Set(), which publishes it.
    stub.UnaryCall(context, kHealthCheck, grpc::StubOptions(), &request, &response, [&status, &done](grpc::Status result) {
      status = std::move(result);
      done.Set();
    });
  };
  auto cancel = [context = client.get()] { context->TryCancel(); };
  co_await done.Await(start, cancel);
  if (!status.ok()) co_return FromGrpc(status);
  co_return client->peer();
}

}  // namespace

namespace rpc_internal {
std::optional<std::string> EndpointOfPeer(std::string_view peer) {
  if (peer.starts_with("ipv4:") || peer.starts_with("ipv6:")) {
    peer.remove_prefix(5);
  } else if (!peer.starts_with("unix:/")) {
    return std::nullopt;
  }
  return base::PercentDecode(peer);  // a peer is a URI
}

}  // namespace rpc_internal

std::shared_ptr<grpc::Channel> ReplicaPicker::Recent() {
  absl::MutexLock lock(&mutex_);
  if (absl::Now() >= picked_until_ || picked_->GetState(false) == GRPC_CHANNEL_TRANSIENT_FAILURE) return nullptr;
  return picked_;
}

void ReplicaPicker::Forget(const std::shared_ptr<grpc::Channel>& replica) {
  absl::MutexLock lock(&mutex_);
  if (picked_ == replica) picked_until_ = absl::InfinitePast();
}

std::shared_ptr<grpc::Channel> ReplicaPicker::ChannelOf(const std::string& endpoint) {
  // Let go of outside of the lock.
  std::vector<std::shared_ptr<grpc::Channel>> unpicked;
  const absl::Time now = absl::Now();
  absl::MutexLock lock(&mutex_);
  Replica& replica = replicas_[endpoint];
  if (replica.channel == nullptr) replica.channel = channel_to_(endpoint);
  replica.picked = now;
  std::shared_ptr<grpc::Channel> channel = replica.channel;
  for (auto it = replicas_.begin(); it != replicas_.end();) {
    if (it->second.channel != nullptr && now - it->second.picked <= keep_unpicked_) {
      ++it;
      continue;
    }
    unpicked.push_back(std::move(it->second.channel));
    it = replicas_.erase(it);
  }
  return channel;
}

asio::awaitable<absl::StatusOr<std::shared_ptr<grpc::Channel>>> ReplicaPicker::Pick(CallContext context) {
  if (std::shared_ptr<grpc::Channel> recent = Recent(); recent != nullptr) co_return recent;
  RetryPolicy policy;
  policy.max_attempts = 100;
  policy.attempt_timeout = kProbeTimeout;
  auto attempt = [this](const CallContext& bounded) { return Probe(balanced_, bounded); };
  absl::StatusOr<std::string> peer = co_await Retry<std::string>(policy, context, attempt);
  if (!peer.ok()) co_return peer.status();
  const std::optional<std::string> endpoint = one_process_ ? std::nullopt : rpc_internal::EndpointOfPeer(*peer);
  // A peer that cannot be called by itself: a repetition might reach another one.
  if (!one_process_ && !endpoint.has_value()) co_return absl::UnavailableError(absl::StrCat("no endpoint of a replica: ", *peer));
  std::shared_ptr<grpc::Channel> channel = endpoint.has_value() ? ChannelOf(*endpoint) : balanced_;
  if (channel == nullptr) co_return absl::InternalError("no channel to a replica");
  absl::MutexLock lock(&mutex_);
  picked_ = channel;
  picked_until_ = endpoint.has_value() ? absl::Now() + kPickFor : absl::InfiniteFuture();
  co_return channel;
}

}  // namespace mailmesh::rpc
