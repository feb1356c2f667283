// Calls again what failed with UNAVAILABLE, with jittered, growing pauses, inside the caller's deadline.
//
// A unary call is repeated only if its contract says that a repetition changes nothing: it carries a request_id, or its method is
// marked NO_SIDE_EFFECTS or IDEMPOTENT (idempotency_level). Any other is made once. What changes something must be repeated at
// the replica that the first try may have reached, for that one remembers the id: see replica_picker.h.
//
//   auto reply = co_await rpc::RetryUnary(stub->async(), &Stub::async::ListShards, request, context);
//   auto reply = co_await rpc::Retry<Reply>(rpc::RetryPolicy{}, context, [&](const rpc::CallContext& attempt) {
//     return Upload(body, attempt);   // returns the awaitable; is itself no coroutine
//   });
#ifndef MAILMESH_COMMON_RPC_RETRY_H_
#define MAILMESH_COMMON_RPC_RETRY_H_

#include <google/protobuf/message.h>

#include <asio/awaitable.hpp>
#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/client_call.h"

namespace mailmesh::rpc {

struct RetryPolicy {
  int max_attempts = 5;
  absl::Duration initial_pause = absl::Milliseconds(50);
  absl::Duration max_pause = absl::Seconds(2);
  // One attempt's part of the deadline; infinite: all that is left.
  absl::Duration attempt_timeout = absl::InfiniteDuration();
};

// How long to pause after failed attempt number `attempt` (from 1): initial * 2^(attempt-1), at most max_pause, times a
// random factor in [0.5, 1); at least what the peer asked for (RetryInfo). Nothing: do not try again.
std::optional<absl::Duration> PauseBeforeRetry(const RetryPolicy& policy, const absl::Status& failure, int attempt,
                                               absl::Time deadline, absl::Time now);

namespace rpc_internal {

asio::awaitable<void> Sleep(absl::Duration pause);

// What the contract says of repeating the call that takes this request; a request belongs to one method (style: requests are
// unique), or all that take it must be marked alike.
struct Repeatability {
  bool idempotent = false;
  const google::protobuf::FieldDescriptor* request_id = nullptr;  // null: it has none
};
Repeatability RepeatabilityOf(const google::protobuf::Descriptor& request);
bool MayRepeat(const Repeatability& contract, const google::protobuf::Message& request);

}  // namespace rpc_internal

// Waits a jittered pause for reconnecting long streams, growing with `failures` in a row.
asio::awaitable<void> ReconnectPause(RetryPolicy policy, int failures);

template <class Response, class Attempt>
asio::awaitable<absl::StatusOr<Response>> Retry(RetryPolicy policy, CallContext context, Attempt attempt) {
  for (int number = 1;; ++number) {
    CallContext bounded = context.AtMost(policy.attempt_timeout);
    absl::StatusOr<Response> result = co_await attempt(bounded);
    if (result.ok()) {
      co_return result;
    }
    std::optional<absl::Duration> pause =
        PauseBeforeRetry(policy, result.status(), number, context.deadline, absl::Now());
    if (!pause.has_value()) {
      co_return result;
    }
    co_await rpc_internal::Sleep(*pause);
  }
}

// UnaryCall with retries. The same rule for `request` as there.
template <class AsyncStub, class Methods, class Request, class Response>
asio::awaitable<absl::StatusOr<Response>> RetryUnary(
    AsyncStub* stub,
    void (Methods::*method)(grpc::ClientContext*, const Request*, Response*, std::function<void(grpc::Status)>),
    const Request& request, CallContext context, RetryPolicy policy = {}) {
  static const rpc_internal::Repeatability contract = rpc_internal::RepeatabilityOf(*Request::descriptor());
  if (!rpc_internal::MayRepeat(contract, request)) {
    policy.max_attempts = 1;
  }
  auto attempt = [stub, method, &request](const CallContext& bounded) {
    return UnaryCall(stub, method, request, bounded);
  };
  absl::StatusOr<Response> result = co_await Retry<Response>(policy, context, attempt);
  co_return result;
}

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_RETRY_H_
