#include "services/imap_gateway/view/watch_stream.h"

#include <utility>

#include "common/net/spawn.h"
#include "common/rpc/call_context.h"

namespace mailmesh::imap_gateway {

using Methods = class mailbox::v1::MailboxService::Stub::async;

WatchStream::WatchStream(std::shared_ptr<Stub> stub, const net::Executor& executor)
    : stub_(std::move(stub)),
      call_(rpc::BidiStream<Request, Response>::Start(stub_->async(), &Methods::WatchMailboxes,
                                                      rpc::CallContext::NoDeadline())),
      queued_(executor) {}

std::shared_ptr<WatchStream> WatchStream::Start(std::shared_ptr<Stub> stub, const net::Executor& executor) {
  auto stream = std::make_shared<WatchStream>(std::move(stub), executor);
  net::Spawn(executor, Write(stream), "imap-watch-writer");
  return stream;
}

void WatchStream::Send(Request request) {
  queue_.push_back(std::move(request));
  queued_.Notify();
}

void WatchStream::Close() {
  closed_ = true;
  call_.Cancel();
  queued_.Notify();
}

net::Awaitable<void> WatchStream::Write(std::shared_ptr<WatchStream> self) {
  while (!self->closed_) {
    if (self->queue_.empty()) {
      [[maybe_unused]] absl::Status woken = co_await self->queued_.Wait();
      continue;
    }
    Request request = std::move(self->queue_.front());
    self->queue_.pop_front();
    absl::Status written = co_await self->call_.Write(std::move(request));
    if (!written.ok()) co_return;  // the reader learns why
  }
}

}  // namespace mailmesh::imap_gateway
