// What the store's two services share: how an RPC becomes an operation on a pool, with its metrics.
//
// Internal to rpc/. Thread-safe.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_RPC_SERVICE_BASE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_RPC_SERVICE_BASE_H_

#include <asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/status.h"
#include "common/base/worker_pool.h"
#include "common/net/io_pool.h"
#include "common/rpc/server_call.h"
#include "common/rpc/server_stream.h"
#include "common/service/on_pool.h"
#include "services/mailbox_store/engine/metrics.h"
#include "services/mailbox_store/engine/operations.h"
#include "services/mailbox_store/engine/reads.h"
#include "services/mailbox_store/engine/store.h"
#include "services/mailbox_store/rpc/audit.h"

namespace mailmesh::mailbox_store {

struct ServiceParts {
  Store& store;
  net::IoPool& io;
  // Changes are staged on one pool and reads run on another, so that a long search holds up no delivery.
  base::WorkerPool& changes;
  base::WorkerPool& reads;
};

class ServiceBase {
 public:
  explicit ServiceBase(const ServiceParts& parts) : parts_(parts) {}

 protected:
  // Runs kRun (as in operations.h) and answers when its result is durable.
  template <Operation kOperation, auto kRun, class Request, class Response>
  grpc::ServerUnaryReactor* Change(grpc::CallbackServerContext* context, const Request* request, Response* response) {
    return rpc::HandleUnaryDeferred(context, parts_.changes, request, response, this,
                                    &ServiceBase::DoChange<kOperation, kRun, Request, Response>);
  }

  // Runs kRun (as in reads.h) and answers.
  template <Operation kOperation, auto kRun, class Request, class Response>
  grpc::ServerUnaryReactor* Read(grpc::CallbackServerContext* context, const Request* request, Response* response) {
    return rpc::HandleUnaryOnPool(context, parts_.reads, request, response, this,
                                  &ServiceBase::DoRead<kOperation, kRun, Request, Response>);
  }

  // Streams what the reader opened by kOpen (as in reads.h) gives.
  template <Operation kOperation, auto kOpen, class Response, class Request>
  grpc::ServerWriteReactor<Response>* Stream(grpc::CallbackServerContext* context, const Request* request) {
    return rpc::HandleServerStream<Response>(context, parts_.io.Next().get_executor(), request, this,
                                             &ServiceBase::DoStream<kOperation, kOpen, Response, Request>);
  }

  const ServiceParts parts_;

 private:
  template <Operation kOperation, auto kRun, class Request, class Response>
  void DoChange(const rpc::CallInfo& info, const Request& request, Response* response, rpc::Responder responder) {
    Audit(info, request);
    const OperationTimer timer(parts_.store.metrics(), kOperation);
    // The request stays valid until the responder is called.
    kRun(parts_.store, request,
         [timer, response, responder = std::move(responder)](absl::StatusOr<Response> result) mutable {
           timer.Finish(result.status());
           if (result.ok()) *response = std::move(result).value();
           responder(result.status());
         });
  }

  template <Operation kOperation, auto kRun, class Request, class Response>
  absl::Status DoRead(const rpc::CallInfo& info, const Request& request, Response& response) {
    Audit(info, request);
    const OperationTimer timer(parts_.store.metrics(), kOperation);
    absl::StatusOr<Response> result = kRun(parts_.store, request);
    timer.Finish(result.status());
    if (result.ok()) response = std::move(result).value();
    return result.status();
  }

  template <Operation kOperation, auto kOpen, class Response, class Request>
  asio::awaitable<absl::Status> DoStream(rpc::CallInfo info, const Request& request, rpc::ServerWriter<Response>& writer) {
    Audit(info, request);
    const OperationTimer timer(parts_.store.metrics(), kOperation);
    absl::Status status = co_await Pump<kOpen, Response, Request>(request, writer);
    timer.Finish(status);
    co_return status;
  }

  // What one visit to the pool gives of a stream.
  template <class Response>
  struct Batch {
    std::vector<Response> responses;
    bool ended = false;   // nothing comes after them
    absl::Status status;  // what came after them, where it went wrong
  };

  // One response, and the next one where the first is small and the next at hand: a stream of one small message, as for
  // the FETCH of a single one, needs one visit. What is held for a reader that stalls stays within one large response.
  template <class Response>
  static Batch<Response> ReadBatch(StreamReader<Response>& reader) {
    constexpr size_t kSmall = 16 * 1024;
    Batch<Response> batch;
    while (batch.responses.size() < 2) {
      Response response;
      absl::StatusOr<bool> more = reader.Next(&response);
      batch.status = more.status();
      batch.ended = more.ok() && !*more;
      if (!more.ok() || batch.ended) break;
      batch.responses.push_back(std::move(response));
      if (batch.responses.back().ByteSizeLong() > kSmall || !reader.NextIsAtHand()) break;
    }
    return batch;
  }

  // The request is copied: work on a pool cannot be called back when this coroutine goes.
  template <auto kOpen, class Response, class Request>
  asio::awaitable<absl::Status> Pump(Request request, rpc::ServerWriter<Response>& writer) {
    // Shared by this and the work on the pool. No reader yet: the first visit opens it.
    auto reader = std::make_shared<StreamReaderPtr<Response>>();
    auto asked = std::make_shared<const Request>(std::move(request));
    Store* const store = &parts_.store;
    while (true) {
      auto step = [reader, asked, store]() -> absl::StatusOr<Batch<Response>> {
        if (*reader == nullptr) {
          ASSIGN_OR_RETURN(*reader, kOpen(*store, *asked));
        }
        return ReadBatch(**reader);
      };
      absl::StatusOr<Batch<Response>> batch = co_await service::OnPool(parts_.reads, std::move(step));
      if (!batch.ok()) co_return batch.status();
      const size_t count = batch->responses.size();
      for (size_t i = 0; i < count; ++i) {
        Response message = std::move(batch->responses[i]);
        if (batch->ended && i + 1 == count) {
          writer.WriteLast(std::move(message));
          co_return absl::OkStatus();
        }
        absl::Status written = co_await writer.Write(std::move(message));
        if (!written.ok()) co_return written;
      }
      if (!batch->status.ok() || batch->ended) co_return batch->status;
    }
  }
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_RPC_SERVICE_BASE_H_
