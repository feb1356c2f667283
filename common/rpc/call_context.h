// What travels with a call beside its message: the deadline, and which trace it belongs to (common/telemetry/trace.h).
//
//   client:  auto reply = co_await rpc::UnaryCall(stub->async(), &Stub::async::GetAccount, request,
//                                                 rpc::CallContext::Within(absl::Seconds(5), trace_));
//   server:  handlers get a CallInfo; info.Downstream() is the context for the calls they make themselves.
//
// Thread-safety: values.
#ifndef MAILMESH_COMMON_RPC_CALL_CONTEXT_H_
#define MAILMESH_COMMON_RPC_CALL_CONTEXT_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/telemetry/trace.h"

namespace grpc {
class CallbackServerContext;
class ClientContext;
}  // namespace grpc

namespace mailmesh::rpc {

inline constexpr char kTraceparentKey[] = "traceparent";

struct CallContext {
  static CallContext Within(absl::Duration timeout, telemetry::Trace trace = {});
  // Until a point of the monotonic clock that sessions count by.
  static CallContext Until(std::chrono::steady_clock::time_point deadline, telemetry::Trace trace = {});
  // For streams that live as long as the peer (watches) only: a unary call without a deadline is refused with Internal.
  static CallContext NoDeadline(telemetry::Trace trace = {});

  // The same, with a deadline at most `timeout` from now.
  CallContext AtMost(absl::Duration timeout) const;

  absl::Time deadline;
  // Of whom calls; empty: the server begins a trace.
  telemetry::Trace trace;
  // Set by CallInfo::Downstream: gRPC then cancels this call when that one is cancelled. The handler must still be running
  // when the call starts.
  const grpc::CallbackServerContext* parent = nullptr;

 private:
  friend struct CallInfo;
  CallContext() = default;
};

// What a server learns of a call.
struct CallInfo {
  static CallInfo FromContext(const grpc::CallbackServerContext& context);

  // For the calls made on behalf of this one: same deadline, trace and cancellation. Await them inside the handler.
  CallContext Downstream() const;
  // The caller gave up, its deadline passed, or its connection is gone. Only while the handler runs.
  bool cancelled() const;
  // Roles of the caller's certificate ("imap_gateway", "operator"); empty on a Unix socket. Only while the handler runs.
  std::vector<std::string> PeerRoles() const;

  // Far future where the caller set none.
  absl::Time deadline;
  // The caller's trace, with a span of this call; never empty.
  telemetry::Trace trace;
  // Valid until the handler has finished.
  const grpc::CallbackServerContext* context = nullptr;
};

namespace rpc_internal {
// A ClientContext as `context` says; a child of context.parent where that is set.
std::unique_ptr<grpc::ClientContext> MakeClientContext(const CallContext& context);
}  // namespace rpc_internal

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_CALL_CONTEXT_H_
