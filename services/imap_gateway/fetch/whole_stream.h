// All responses of a streamed call, for answers that are of use only when they are complete.
//
// When the store goes away in the middle, the call is made again from the start. Thread-safety: none.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_FETCH_WHOLE_STREAM_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_FETCH_WHOLE_STREAM_H_

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/net/awaitable.h"
#include "common/rpc/client_stream.h"
#include "services/imap_gateway/fetch/uids_after.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {

// `request` gets the account id. `calls` is borrowed.
template <class AsyncStub, class Request, class Response>
net::Awaitable<absl::StatusOr<std::vector<Response>>> ReadWhole(
    StoreCalls* calls, void (AsyncStub::*method)(grpc::ClientContext*, const Request*, grpc::ClientReadReactor<Response>*),
    Request request) {
  request.set_account_id(calls->account_id());
  for (int failures = 1;; ++failures) {
    std::vector<Response> responses;
    auto stub = co_await calls->FindStub();
    absl::Status status = stub.status();
    if (stub.ok()) {
      const rpc::CallContext context = calls->StreamContext();
      auto stream = rpc::ServerStream<Response>::Start((*stub)->async(), method, request, context);
      for (;;) {
        auto next = co_await stream.Read();
        status = next.status();
        if (!next.ok()) break;
        if (!next->has_value()) co_return responses;
        if ((*next)->uids_size() > 0) responses.push_back(std::move(**next));
      }
    }
    calls->Note(status);
    bool again = co_await PauseBeforeResume(status, failures);
    if (!again) co_return status;
  }
}

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_FETCH_WHOLE_STREAM_H_
