#include "common/rpc/client_call.h"

#include "common/rpc/client_stream.h"

namespace mailmesh::rpc::rpc_internal {

absl::Status CheckUnaryContext(const CallContext& context) {
  if (context.deadline == absl::InfiniteFuture()) {
    return absl::InternalError("a unary call without a deadline");
  }
  return absl::OkStatus();
}

absl::Status StreamClosedError() { return absl::CancelledError("the stream is closed"); }

absl::Status FinishedEarlyError() { return absl::OutOfRangeError("the server answered before it had read everything"); }

}  // namespace mailmesh::rpc::rpc_internal
