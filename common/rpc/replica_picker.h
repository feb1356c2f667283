// One replica of a role behind a name that gRPC balances.
//
// Calls that belong together must reach the same process where each replica has data of its own: an upload and what refers to it,
// a mutation and its retries (a request id is remembered by the replica that saw it; another one would do it again). Pick() asks
// whoever the balancer chooses for its health and gives a channel to that address alone, so that a message's calls and their
// retries have one possible place. A replica that is gone for good makes them fail with UNAVAILABLE.
// CallOne() makes one call so, and goes elsewhere while certainly nothing came of it: a replica that closes costs nobody anything.
// A replica's channel is kept while it is picked now and then; one that was not for ten minutes is gone, or nobody calls: it is let go
// of, and ends with the last call on it.
// A pick is used for 100 ms by whoever asks. Where there is one process only, the channel itself is given.
// Thread-safe.
#ifndef MAILMESH_COMMON_RPC_REPLICA_PICKER_H_
#define MAILMESH_COMMON_RPC_REPLICA_PICKER_H_

#include <grpcpp/channel.h>

#include <asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/rpc/call_context.h"
#include "common/rpc/retry.h"
#include "common/rpc/status.h"

namespace mailmesh::rpc {

class ReplicaPicker {
 public:
  // Makes a channel to "address:port", or gives the one that is there; null where it cannot.
  using ChannelTo = std::function<std::shared_ptr<grpc::Channel>(const std::string& endpoint)>;

  // `balanced`, and the channels given out, are shared with the calls on them. `one_process`: there is nothing to choose, ever
  // (IsOneProcess() in channel.h).
  ReplicaPicker(std::shared_ptr<grpc::Channel> balanced, ChannelTo channel_to, bool one_process = false,
                absl::Duration keep_unpicked = absl::Minutes(10))
      : balanced_(std::move(balanced)), channel_to_(std::move(channel_to)), one_process_(one_process), keep_unpicked_(keep_unpicked) {}

  // `attempt(channel, context)` returns the awaitable of a call at that replica; it must be one that may be repeated there (retry.h).
  template <class Response, class Attempt>
  asio::awaitable<absl::StatusOr<Response>> CallOne(RetryPolicy policy, CallContext context, Attempt attempt) {
    std::shared_ptr<grpc::Channel> only;  // the one that may know of the call already
    for (int number = 1;; ++number) {
      std::shared_ptr<grpc::Channel> replica = only;
      if (replica == nullptr) {
        absl::StatusOr<std::shared_ptr<grpc::Channel>> picked = co_await Pick(context);
        if (!picked.ok()) co_return picked.status();
        replica = *std::move(picked);
      }
      const CallContext bounded = context.AtMost(policy.attempt_timeout);
      absl::StatusOr<Response> result = co_await attempt(replica, bounded);
      if (result.ok()) co_return result;
      if (NothingCameOf(result.status())) {
        Forget(replica);
      } else {
        only = replica;
      }
      const std::optional<absl::Duration> pause =
          PauseBeforeRetry(policy, result.status(), number, context.deadline, absl::Now());
      if (!pause.has_value()) co_return result;
      co_await rpc_internal::Sleep(*pause);
    }
  }

  // Unavailable: no replica has answered within the context's deadline, or none could be connected to for some tries.
  asio::awaitable<absl::StatusOr<std::shared_ptr<grpc::Channel>>> Pick(CallContext context);

 private:
  struct Replica {
    std::shared_ptr<grpc::Channel> channel;  // shared with the calls on it
    absl::Time picked;
  };

  std::shared_ptr<grpc::Channel> Recent();
  // Notes that the balancer chose this endpoint; null where there can be no channel to it.
  std::shared_ptr<grpc::Channel> ChannelOf(const std::string& endpoint);
  // It is not given out again before the balancer has been asked.
  void Forget(const std::shared_ptr<grpc::Channel>& replica);

  const std::shared_ptr<grpc::Channel> balanced_;
  const ChannelTo channel_to_;
  const bool one_process_;
  const absl::Duration keep_unpicked_;
  absl::Mutex mutex_;
  std::map<std::string, Replica> replicas_ ABSL_GUARDED_BY(mutex_);  // by endpoint
  std::shared_ptr<grpc::Channel> picked_ ABSL_GUARDED_BY(mutex_);
  absl::Time picked_until_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

namespace rpc_internal {
// What gRPC calls a peer, as an endpoint: "address:port" ("ipv4:192.0.2.1:25", "ipv6:%5B2001:db8::1%5D:25"), "unix:PATH"; nothing
// for any other.
std::optional<std::string> EndpointOfPeer(std::string_view peer);
}  // namespace rpc_internal

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_REPLICA_PICKER_H_
