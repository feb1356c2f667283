// Streaming handlers as coroutines. One line per RPC in the service class:
//
//   grpc::ServerWriteReactor<ReadViewResponse>* ReadView(grpc::CallbackServerContext* context,
//                                                        const ReadViewRequest* request) override {
//     return rpc::HandleServerStream<ReadViewResponse>(context, executor_, request, this, &Store::OnReadView);
//   }
//   asio::awaitable<absl::Status> OnReadView(rpc::CallInfo, const ReadViewRequest&, rpc::ServerWriter<ReadViewResponse>&);
//
//   HandleClientStream<UploadBodyRequest>(context, executor_, response, this, &Store::OnUploadBody)
//   asio::awaitable<absl::Status> OnUploadBody(rpc::CallInfo, rpc::ServerReader<UploadBodyRequest>&, UploadBodyResponse&);
//
//   HandleBidi<Req, Resp>(context, executor_, this, &Store::OnWatch)
//   asio::awaitable<absl::Status> OnWatch(rpc::CallInfo, rpc::ServerReader<Req>&, rpc::ServerWriter<Resp>&);
//
// The executor must be serial (an io_context run by one thread, or a strand): reader, writer and stop functions are used
// from it alone. One read and one write may be under way at once. What the handler spawns must have ended, or use nothing
// of the call, when the handler returns.
// Cancellation wakes reads, writes and Stopped(). A drain (Server::Shutdown) wakes Stopped() only: a watch then returns
// Unavailable/SHUTTING_DOWN, so that its client resumes elsewhere; an upload finishes.
// A connection's maximum age ends its streams too, after the grace: clients of watches resume.
#ifndef MAILMESH_COMMON_RPC_SERVER_STREAM_H_
#define MAILMESH_COMMON_RPC_SERVER_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/rpc/awaitable_event.h"
#include "common/rpc/call_context.h"
#include "common/rpc/call_guard.h"
#include "common/rpc/operation_gate.h"
#include "common/rpc/server_call.h"
#include "common/rpc/status_mapping.h"

namespace mailmesh::rpc {

namespace rpc_internal {

absl::Status StreamCancelledError();

// Why a stream's handler should stop, and how it learns of it.
class StreamStop final : public DrainListener {
 public:
  explicit StreamStop(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  bool draining() const { return draining_.load(std::memory_order_acquire); }
  asio::awaitable<void> Wait();
  // `owner` keeps this object while the hook is on its way.
  void SetHook(absl::AnyInvocable<void()> hook, std::shared_ptr<void> owner);
  void ClearHook() { hook_ = nullptr; }

  // From gRPC's threads and the one that drains.
  void OnCancel();
  void OnDrain() override;

 private:
  void Fire();

  asio::any_io_executor executor_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> draining_{false};
  AwaitableEvent event_;
  absl::Mutex mutex_;
  std::weak_ptr<void> owner_ ABSL_GUARDED_BY(mutex_);
  absl::AnyInvocable<void()> hook_;  // of the executor
};

}  // namespace rpc_internal

// What a handler can ask about its call. Valid until the handler returns.
class StreamControl {
 public:
  StreamControl(const StreamControl&) = delete;
  StreamControl& operator=(const StreamControl&) = delete;

  // The caller cancelled, its deadline passed, or its connection is gone.
  bool cancelled() const { return stop_->cancelled(); }
  // The server is shutting down and waits for this stream.
  bool draining() const { return stop_->draining(); }
  bool stopped() const { return cancelled() || draining(); }
  // Waits for stopped(). One coroutine at a time; may be used with awaitable operators.
  asio::awaitable<void> Stopped() { return stop_->Wait(); }
  // `hook` runs once on the handler's executor when the call is stopped (soon, if it is already), unless the handler has
  // returned by then. For waking what the handler waits for: OnStop([&] { changed.Notify(); }).
  virtual void OnStop(absl::AnyInvocable<void()> hook) = 0;

 protected:
  explicit StreamControl(rpc_internal::StreamStop* stop) : stop_(stop) {}
  ~StreamControl() = default;

 private:
  rpc_internal::StreamStop* stop_;
};

template <class Request>
class ServerReader : public StreamControl {
 public:
  // The next message; none when the caller has sent all; Cancelled. A caller whose connection breaks can look, in a race,
  // as one who has sent all: what must be complete says its size or its end in the messages.
  virtual asio::awaitable<absl::StatusOr<std::optional<Request>>> Read() = 0;

 protected:
  using StreamControl::StreamControl;
  ~ServerReader() = default;
};

template <class Response>
class ServerWriter : public StreamControl {
 public:
  // Returns when the message is on its way: while the reader stalls, it waits. An error means that the call is over.
  virtual asio::awaitable<absl::Status> Write(Response message) = 0;
  // A last message that goes out with the status when the handler returns OK; nothing can be written after it.
  virtual void WriteLast(Response message) = 0;

 protected:
  using StreamControl::StreamControl;
  ~ServerWriter() = default;
};

namespace rpc_internal {

struct NoMessage {};

// One call. Reactor is gRPC's ServerReadReactor, ServerWriteReactor or ServerBidiReactor; the On... functions override
// those of them that it has. Owners: the handler's coroutine and operations under way, and gRPC (self_) until OnDone.
template <class Reactor, class Request, class Response>
class ServerStreamCall final : public Reactor,
                               public ServerReader<Request>,
                               public ServerWriter<Response>,
                               public std::enable_shared_from_this<ServerStreamCall<Reactor, Request, Response>> {
 public:
  using Ptr = std::shared_ptr<ServerStreamCall>;
  static constexpr bool kReads = !std::is_same_v<Request, NoMessage>;
  static constexpr bool kWrites = !std::is_same_v<Response, NoMessage>;

  ServerStreamCall(grpc::CallbackServerContext* context, asio::any_io_executor executor)
      : ServerReader<Request>(&stop_),
        ServerWriter<Response>(&stop_),
        guard_(context),
        context_(context),
        stop_(std::move(executor)) {}

  // False: the call was refused and is already answered.
  bool Begin() {
    self_ = this->shared_from_this();
    if (!guard_.admitted()) {
      FinishWith(CallGuard::refusal());
      return false;
    }
    guard_.Listen(&stop_);
    return true;
  }

  asio::awaitable<absl::StatusOr<std::optional<Request>>> Read() override {
    Ptr keep = this->shared_from_this();
    if (!read_ended_ && gate_.Enter()) {
      read_done_.Reset();
      auto start = [this] {
        if constexpr (kReads) {
          this->StartRead(&incoming_);
        }
        Leave();
      };
      auto cancel = [context = context_] { context->TryCancel(); };
      co_await read_done_.Await(start, cancel);
      if (read_ok_) {
        guard_.CountReceived();
        co_return std::optional<Request>(std::move(incoming_));
      }
      read_ended_ = true;
    }
    if (stop_.cancelled()) {
      co_return StreamCancelledError();
    }
    co_return std::optional<Request>();
  }

  asio::awaitable<absl::Status> Write(Response message) override {
    Ptr keep = this->shared_from_this();
    if (last_.has_value() || stop_.cancelled() || !gate_.Enter()) {
      co_return StreamCancelledError();
    }
    write_done_.Reset();
    outgoing_ = std::move(message);
    // The write gives its place in the gate back in OnWriteDone: the status must not overtake it.
    auto start = [this] {
      if constexpr (kWrites) {
        this->StartWrite(&outgoing_);
      }
    };
    auto cancel = [context = context_] { context->TryCancel(); };
    co_await write_done_.Await(start, cancel);
    if (!write_ok_) {
      co_return StreamCancelledError();
    }
    guard_.CountSent();
    co_return absl::OkStatus();
  }

  void WriteLast(Response message) override { last_ = std::move(message); }
  void OnStop(absl::AnyInvocable<void()> hook) override { stop_.SetHook(std::move(hook), this->shared_from_this()); }

  // Once, when the handler has returned.
  void FinishWith(const absl::Status& status) {
    status_ = ToGrpc(status);
    stop_.ClearHook();
    guard_.Finish(status_.error_code());
    if (gate_.Close()) {
      SendStatus();
    }
  }

  // gRPC's reactions; on its threads.
  void OnReadDone(bool ok) {
    read_ok_ = ok;
    read_done_.Set();
  }
  void OnWriteDone(bool ok) {
    write_ok_ = ok;
    write_done_.Set();
    Leave();
  }
  void OnCancel() override { stop_.OnCancel(); }
  void OnDone() override { Ptr self = std::move(self_); }

 private:
  void Leave() {
    if (gate_.Leave()) {
      SendStatus();
    }
  }
  void SendStatus() {
    if constexpr (kWrites) {
      if (last_.has_value() && status_.ok()) {
        this->StartWriteAndFinish(&*last_, grpc::WriteOptions(), status_);
        return;
      }
    }
    this->Finish(status_);
  }

  CallGuard guard_;
  grpc::CallbackServerContext* context_;
  StreamStop stop_;
  OperationGate gate_;
  AwaitableEvent read_done_;
  AwaitableEvent write_done_;
  bool read_ok_ = false;
  bool write_ok_ = false;
  bool read_ended_ = false;
  Request incoming_;
  Response outgoing_;
  std::optional<Response> last_;
  grpc::Status status_;
  Ptr self_;
};

// Finishes the call, also where the handler's coroutine is destroyed unfinished (its io_context ended): gRPC's Shutdown
// would wait for ever.
template <class Call>
class StreamFinisher {
 public:
  explicit StreamFinisher(std::shared_ptr<Call> call) : call_(std::move(call)) {}
  StreamFinisher(StreamFinisher&&) noexcept = default;
  ~StreamFinisher() {
    if (call_ != nullptr) {
      call_->FinishWith(HandlerDroppedError());
    }
  }
  Call& call() { return *call_; }
  void Finish(const absl::Status& status) { std::exchange(call_, nullptr)->FinishWith(status); }

 private:
  std::shared_ptr<Call> call_;
};

// `handle(call)` returns the handler's awaitable.
template <class Call, class Handle>
asio::awaitable<void> RunStream(StreamFinisher<Call> finisher, Handle handle) {
  absl::Status status;
  try {
    status = co_await handle(finisher.call());
  } catch (...) {
    status = HandlerThrew();
  }
  finisher.Finish(status);
}

template <class Call, class Handle>
Call* StartStream(grpc::CallbackServerContext* context, asio::any_io_executor executor, Handle handle) {
  auto call = std::make_shared<Call>(context, executor);
  Call* reactor = call.get();
  if (reactor->Begin()) {
    SpawnHandler(std::move(executor), RunStream(StreamFinisher<Call>(std::move(call)), std::move(handle)));
  }
  return reactor;
}

}  // namespace rpc_internal

template <class Response, class Request, class Object, class Method>
grpc::ServerWriteReactor<Response>* HandleServerStream(grpc::CallbackServerContext* context,
                                                       asio::any_io_executor executor, const Request* request,
                                                       Object* object, Method method) {
  using Call = rpc_internal::ServerStreamCall<grpc::ServerWriteReactor<Response>, rpc_internal::NoMessage, Response>;
  auto handle = [info = CallInfo::FromContext(*context), request, object, method](ServerWriter<Response>& writer) mutable {
    return std::invoke(method, object, std::move(info), *request, writer);
  };
  return rpc_internal::StartStream<Call>(context, std::move(executor), std::move(handle));
}

template <class Request, class Response, class Object, class Method>
grpc::ServerReadReactor<Request>* HandleClientStream(grpc::CallbackServerContext* context,
                                                     asio::any_io_executor executor, Response* response, Object* object,
                                                     Method method) {
  using Call = rpc_internal::ServerStreamCall<grpc::ServerReadReactor<Request>, Request, rpc_internal::NoMessage>;
  auto handle = [info = CallInfo::FromContext(*context), response, object, method](ServerReader<Request>& reader) mutable {
    return std::invoke(method, object, std::move(info), reader, *response);
  };
  return rpc_internal::StartStream<Call>(context, std::move(executor), std::move(handle));
}

template <class Request, class Response, class Object, class Method>
grpc::ServerBidiReactor<Request, Response>* HandleBidi(grpc::CallbackServerContext* context,
                                                       asio::any_io_executor executor, Object* object, Method method) {
  using Call = rpc_internal::ServerStreamCall<grpc::ServerBidiReactor<Request, Response>, Request, Response>;
  auto handle = [info = CallInfo::FromContext(*context), object, method](Call& call) mutable {
    return std::invoke(method, object, std::move(info), static_cast<ServerReader<Request>&>(call),
                       static_cast<ServerWriter<Response>&>(call));
  };
  return rpc_internal::StartStream<Call>(context, std::move(executor), std::move(handle));
}

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_SERVER_STREAM_H_
