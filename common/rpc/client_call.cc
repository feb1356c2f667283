#include "common/rpc/client_call.h"

#include <string>
#include <utility>

#include "common/rpc/client_stream.h"
#include "common/rpc/status.h"

namespace mailmesh::rpc::rpc_internal {

absl::Status CheckUnaryContext(const CallContext& context) {
  if (context.deadline == absl::InfiniteFuture()) {
    return absl::InternalError("a unary call without a deadline");
  }
  return absl::OkStatus();
}

absl::Status FailureOf(const grpc::Status& status, const grpc::ClientContext& context) {
  absl::Status failure = FromGrpc(status);
  if (!absl::IsUnavailable(failure)) {
    return failure;
  }
  // A call that was given to a connection knows its peer's address; one for which there was none, the channel's target, which is a
  // name. Where the target is an address itself the two look alike, and the call counts as sent.
  const std::string peer = context.peer();
  const bool address = peer.starts_with("ipv4:") || peer.starts_with("ipv6:") || peer.starts_with("unix:");
  return address ? failure : NeverSent(std::move(failure));
}

absl::Status StreamClosedError() { return absl::CancelledError("the stream is closed"); }

absl::Status FinishedEarlyError() { return absl::OutOfRangeError("the server answered before it had read everything"); }

}  // namespace mailmesh::rpc::rpc_internal
