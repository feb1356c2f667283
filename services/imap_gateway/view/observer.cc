#include "services/imap_gateway/view/observer.h"

#include <asio/post.hpp>

namespace mailmesh::imap_gateway {

void Observer::Wake() {
  if (idling_.load()) stream_.Interrupt();
  if (!waiting_.load()) return;
  asio::post(changed_.executor(), [self = shared_from_this()] { self->changed_.Notify(); });
}

net::Awaitable<absl::Status> Observer::Wait(net::TimePoint deadline) {
  absl::Status status = co_await changed_.Wait(deadline);
  waiting_.store(false);
  co_return status;
}

}  // namespace mailmesh::imap_gateway
