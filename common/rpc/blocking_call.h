// Calls that block the thread: for the command-line tool and tests. Never on an I/O or gRPC thread.
//
//   absl::StatusOr<Reply> reply = rpc::BlockingCall(stub.get(), &Service::Stub::ListDomains, request, context);
//   rpc::BlockingRead(stub.get(), &Service::Stub::ListThings, request, context, [](const Thing& thing) { ... });
#ifndef MAILMESH_COMMON_RPC_BLOCKING_CALL_H_
#define MAILMESH_COMMON_RPC_BLOCKING_CALL_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "common/rpc/call_context.h"
#include "common/rpc/status_mapping.h"

namespace mailmesh::rpc {

template <class Stub, class Methods, class Request, class Response>
absl::StatusOr<Response> BlockingCall(Stub* stub,
                                      grpc::Status (Methods::*method)(grpc::ClientContext*, const Request&, Response*),
                                      const Request& request, const CallContext& context) {
  std::unique_ptr<grpc::ClientContext> client = rpc_internal::MakeClientContext(context);
  Response response;
  grpc::Status status = (stub->*method)(client.get(), request, &response);
  if (!status.ok()) {
    return FromGrpc(status);
  }
  return response;
}

// Calls `each` with every message of a server stream; stops early, with its status, when `each` returns an error.
template <class Stub, class Methods, class Request, class Response, class Each>
absl::Status BlockingRead(Stub* stub,
                          std::unique_ptr<grpc::ClientReader<Response>> (Methods::*method)(grpc::ClientContext*,
                                                                                           const Request&),
                          const Request& request, const CallContext& context, Each each) {
  std::unique_ptr<grpc::ClientContext> client = rpc_internal::MakeClientContext(context);
  std::unique_ptr<grpc::ClientReader<Response>> reader = (stub->*method)(client.get(), request);
  Response message;
  absl::Status stopped;
  while (stopped.ok() && reader->Read(&message)) {
    stopped = each(message);
  }
  if (!stopped.ok()) {
    client->TryCancel();
  }
  absl::Status finished = FromGrpc(reader->Finish());
  return stopped.ok() ? finished : stopped;
}

// Sends what `next` produces (false: no more) over a client stream.
template <class Stub, class Methods, class Request, class Response, class Next>
absl::StatusOr<Response> BlockingWrite(
    Stub* stub, std::unique_ptr<grpc::ClientWriter<Request>> (Methods::*method)(grpc::ClientContext*, Response*),
    const CallContext& context, Next next) {
  std::unique_ptr<grpc::ClientContext> client = rpc_internal::MakeClientContext(context);
  Response response;
  std::unique_ptr<grpc::ClientWriter<Request>> writer = (stub->*method)(client.get(), &response);
  Request message;
  while (next(&message) && writer->Write(message)) {
  }
  writer->WritesDone();
  grpc::Status status = writer->Finish();
  if (!status.ok()) {
    return FromGrpc(status);
  }
  return response;
}

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_BLOCKING_CALL_H_
