// Unary handlers off gRPC's threads. A service class derives from the generated CallbackService and answers each RPC by
// one line, in one of four ways:
//
//   // 1. A coroutine on an Asio executor: awaits other calls, timers.
//   grpc::ServerUnaryReactor* GetAccount(grpc::CallbackServerContext* context, const GetAccountRequest* request,
//                                        GetAccountResponse* response) override {
//     return rpc::HandleUnary(context, io_executor_, request, response, this, &Directory::OnGetAccount);
//   }
//   asio::awaitable<absl::Status> OnGetAccount(rpc::CallInfo info, const GetAccountRequest& request,
//                                              GetAccountResponse& response);
//
//   // 2. A plain function on a worker pool: RocksDB, password hashing. A full pool answers RESOURCE_EXHAUSTED/OVERLOAD.
//   return rpc::HandleUnaryOnPool(context, pool_, request, response, this, &Directory::DoGetAccount);
//   absl::Status DoGetAccount(const rpc::CallInfo& info, const GetAccountRequest& request, GetAccountResponse& response);
//
//   // 3. On a worker pool, answered later from any thread: what waits for the commit pipeline.
//   return rpc::HandleUnaryDeferred(context, pool_, request, response, this, &Store::DoStoreFlags);
//   void DoStoreFlags(const rpc::CallInfo& info, const StoreFlagsRequest& request, StoreFlagsResponse* response,
//                     rpc::Responder responder);
//
//   // 4. At once, on gRPC's thread: only what neither blocks, nor takes long, nor awaits (a value in memory).
//   return rpc::AnswerUnary(context, status);
//
// Request and response are gRPC's and valid until the call is answered: a coroutine's end, a function's return,
// Responder's call. The bound object outlives the server.
// A handler's exception is reported and answered as Internal.
#ifndef MAILMESH_COMMON_RPC_SERVER_CALL_H_
#define MAILMESH_COMMON_RPC_SERVER_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "common/base/worker_pool.h"
#include "common/rpc/call_context.h"
#include "common/rpc/call_guard.h"

namespace mailmesh::rpc {

class Responder;

namespace rpc_internal {
template <class Request, class Response, class Object, class Method>
asio::awaitable<void> RunUnary(Responder responder, CallInfo info, const Request* request, Response* response,
                               Object* object, Method method);
}

// The right and the duty to answer one call, from any thread. Dropped without an answer it answers Internal.
class Responder {
 public:
  Responder(Responder&&) noexcept;
  Responder& operator=(Responder&&) = delete;
  ~Responder();

  // Once. After it, the call's request, response and CallInfo::context are gone.
  void operator()(const absl::Status& status);

 private:
  template <class Request, class Response, class Object, class Method>
  friend grpc::ServerUnaryReactor* HandleUnary(grpc::CallbackServerContext*, asio::any_io_executor, const Request*,
                                               Response*, Object*, Method);
  template <class Request, class Response, class Object, class Method>
  friend grpc::ServerUnaryReactor* HandleUnaryOnPool(grpc::CallbackServerContext*, base::WorkerPool&, const Request*,
                                                     Response*, Object*, Method);
  template <class Request, class Response, class Object, class Method>
  friend grpc::ServerUnaryReactor* HandleUnaryDeferred(grpc::CallbackServerContext*, base::WorkerPool&, const Request*,
                                                       Response*, Object*, Method);
  template <class Request, class Response, class Object, class Method>
  friend asio::awaitable<void> rpc_internal::RunUnary(Responder, CallInfo, const Request*, Response*, Object*, Method);
  friend grpc::ServerUnaryReactor* AnswerUnary(grpc::CallbackServerContext*, const absl::Status&);
  explicit Responder(grpc::CallbackServerContext* context);
  bool admitted() const { return guard_.admitted(); }
  grpc::ServerUnaryReactor* reactor() { return reactor_; }
  // The handler runs; until then being dropped means that the pool was full.
  void Begin() { begun_ = true; }

  rpc_internal::CallGuard guard_;
  bool begun_ = false;
  grpc::ServerUnaryReactor* reactor_;  // null once answered
};

namespace rpc_internal {

// Runs the coroutine on the executor. It must catch what it throws.
void SpawnHandler(asio::any_io_executor executor, asio::awaitable<void> handler);
// Reports what a handler threw (call in a catch block) and turns it into Internal.
absl::Status HandlerThrew();
// For calls whose handler went away unfinished.
absl::Status HandlerDroppedError();
template <class Request, class Response, class Object, class Method>
asio::awaitable<void> RunUnary(Responder responder, CallInfo info, const Request* request, Response* response,
                               Object* object, Method method) {
  responder.Begin();
  absl::Status status;
  try {
    status = co_await std::invoke(method, object, std::move(info), *request, *response);
  } catch (...) {
    status = HandlerThrew();
  }
  responder(status);
}

}  // namespace rpc_internal

template <class Request, class Response, class Object, class Method>
grpc::ServerUnaryReactor* HandleUnary(grpc::CallbackServerContext* context, asio::any_io_executor executor,
                                      const Request* request, Response* response, Object* object, Method method) {
  Responder responder(context);
  grpc::ServerUnaryReactor* reactor = responder.reactor();
  if (!responder.admitted()) {
    responder(rpc_internal::CallGuard::refusal());
    return reactor;
  }
  rpc_internal::SpawnHandler(std::move(executor),
                             rpc_internal::RunUnary(std::move(responder), CallInfo::FromContext(*context), request,
                                                    response, object, method));
  return reactor;
}

template <class Request, class Response, class Object, class Method>
grpc::ServerUnaryReactor* HandleUnaryDeferred(grpc::CallbackServerContext* context, base::WorkerPool& pool,
                                              const Request* request, Response* response, Object* object,
                                              Method method) {
  Responder responder(context);
  grpc::ServerUnaryReactor* reactor = responder.reactor();
  if (!responder.admitted()) {
    responder(rpc_internal::CallGuard::refusal());
    return reactor;
  }
  auto work = [responder = std::move(responder), context, request, response, object, method]() mutable {
    responder.Begin();
    try {
      std::invoke(method, object, CallInfo::FromContext(*context), *request, response, std::move(responder));
    } catch (...) {
      // Reports it; the responder has answered by being dropped.
      static_cast<void>(rpc_internal::HandlerThrew());
    }
  };
  pool.Post(std::move(work)).IgnoreError();  // a pool that refuses drops the work, and so the responder, which answers
  return reactor;
}

template <class Request, class Response, class Object, class Method>
grpc::ServerUnaryReactor* HandleUnaryOnPool(grpc::CallbackServerContext* context, base::WorkerPool& pool,
                                            const Request* request, Response* response, Object* object, Method method) {
  Responder responder(context);
  grpc::ServerUnaryReactor* reactor = responder.reactor();
  if (!responder.admitted()) {
    responder(rpc_internal::CallGuard::refusal());
    return reactor;
  }
  auto work = [responder = std::move(responder), context, request, response, object, method]() mutable {
    responder.Begin();
    absl::Status status;
    try {
      status = std::invoke(method, object, CallInfo::FromContext(*context), *request, *response);
    } catch (...) {
      status = rpc_internal::HandlerThrew();
    }
    responder(status);
  };
  pool.Post(std::move(work)).IgnoreError();  // a pool that refuses drops the work, and so the responder, which answers
  return reactor;
}

// Answers at once; the response must have been filled.
grpc::ServerUnaryReactor* AnswerUnary(grpc::CallbackServerContext* context, const absl::Status& status);

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_SERVER_CALL_H_
