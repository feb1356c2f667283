// WatchMailboxes: see watch_stream.h.

#include "common/net/spawn.h"
#include "services/mailbox_store/rpc/mailbox_service.h"
#include "services/mailbox_store/rpc/watch_stream.h"

namespace mailmesh::mailbox_store {

asio::awaitable<absl::Status> MailboxServiceImpl::OnWatch(
    rpc::CallInfo, rpc::ServerReader<mailbox::v1::WatchMailboxesRequest>& reader,
    rpc::ServerWriter<mailbox::v1::WatchMailboxesResponse>& writer) {
  const OperationTimer timer(parts_.store.metrics(), Operation::kWatch);
  net::Executor executor = co_await asio::this_coro::executor;
  auto stream = std::make_shared<WatchStream>(parts_, executor);
  // A read that is under way when this returns ends by itself, and touches nothing of the call then.
  net::Spawn(executor, WatchStream::ReadLoop(stream, &reader), "watch-read");
  writer.OnStop([stream] { stream->Wake(); });
  absl::Status status = co_await stream->WriteLoop(writer);
  stream->Close();
  timer.Finish(status);
  co_return status;
}

}  // namespace mailmesh::mailbox_store
