// The WatchMailboxes call of a shard: requests are queued and written by a coroutine of its own, while the shard reads.
//
// Thread-safety: Send(), Cancel() and Close() from the shard's executor only.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_WATCH_STREAM_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_WATCH_STREAM_H_

#include <deque>
#include <memory>
#include <optional>

#include "common/net/awaitable.h"
#include "common/net/event.h"
#include "common/rpc/client_stream.h"
#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"

namespace mailmesh::imap_gateway {

class WatchStream {
 public:
  using Request = mailbox::v1::WatchMailboxesRequest;
  using Response = mailbox::v1::WatchMailboxesResponse;
  using Stub = mailbox::v1::MailboxService::Stub;

  // Spawns the writer.
  static std::shared_ptr<WatchStream> Start(std::shared_ptr<Stub> stub, const net::Executor& executor);
  WatchStream(std::shared_ptr<Stub> stub, const net::Executor& executor);

  void Send(Request request);
  net::Awaitable<absl::StatusOr<std::optional<Response>>> Read() { return call_.Read(); }
  void Cancel() { call_.Cancel(); }
  // The reader is done; the writer ends.
  void Close();
  bool closed() const { return closed_; }

 private:
  static net::Awaitable<void> Write(std::shared_ptr<WatchStream> self);

  const std::shared_ptr<Stub> stub_;  // shared with other calls
  rpc::BidiStream<Request, Response> call_;
  std::deque<Request> queue_;
  net::Event queued_;
  bool closed_ = false;
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_WATCH_STREAM_H_
