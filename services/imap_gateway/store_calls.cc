#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {

rpc::RetryPolicy StoreCalls::Policy() {
  rpc::RetryPolicy policy;
  policy.max_attempts = 9;  // some five seconds
  policy.max_pause = absl::Seconds(1);
  return policy;
}

net::Awaitable<absl::StatusOr<std::shared_ptr<StoreCalls::Stub>>> StoreCalls::FindStub() {
  const net::TimePoint deadline = net::After(std::chrono::seconds(10));
  co_return co_await shard_->stub(deadline);
}

void StoreCalls::Note(const absl::Status& status) {
  if (rpc::HasReason(status, type::v1::ERROR_REASON_WRONG_SHARD)) shard_->Forget();
}

}  // namespace mailmesh::imap_gateway
