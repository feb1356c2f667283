// Streaming calls as awaitables: ServerStream (we read), ClientStream (we write), BidiStream (both).
//
//   auto stream = rpc::ServerStream<ReadViewResponse>::Start(stub->async(), &Stub::async::ReadView, request, context);
//   for (;;) {
//     absl::StatusOr<std::optional<ReadViewResponse>> next = co_await stream.Read();
//     if (!next.ok()) co_return next.status();       // the call failed, or was cancelled
//     if (!next->has_value()) break;                 // the server finished with OK
//     ...
//   }
//
//   auto stream = rpc::ClientStream<UploadBodyRequest, UploadBodyResponse>::Start(stub->async(), &Stub::async::UploadBody,
//                                                                                 context);
//   CO_RETURN_IF_ERROR(co_await stream.Write(std::move(chunk)));   // error: the call is over, this is its status
//   absl::StatusOr<UploadBodyResponse> reply = co_await stream.Finish();
//
// One read and one write may be under way at once, no more of either. A message is asked of the peer when Read() is
// called: a reader that stalls holds 256 KiB on this side and stops the writer (HTTP/2 flow control).
// A stream resumes its caller on the caller's executor. Cancelling the coroutine in Read, Write or Finish cancels the call.
// Destroying the object at any time, also while other threads are in its callbacks, cancels what is unfinished; destroying
// it while a coroutine awaits one of its functions is safe too, and lets that function return Cancelled.
// Deadlines: context.deadline bounds the whole stream; CallContext::NoDeadline() for watches, which then want heartbeats.
#ifndef MAILMESH_COMMON_RPC_CLIENT_STREAM_H_
#define MAILMESH_COMMON_RPC_CLIENT_STREAM_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/rpc/awaitable_event.h"
#include "common/rpc/call_context.h"
#include "common/rpc/call_meter.h"
#include "common/rpc/operation_gate.h"
#include "common/rpc/status_mapping.h"

namespace mailmesh::rpc {

namespace rpc_internal {

struct Nothing {};

absl::Status StreamClosedError();
absl::Status FinishedEarlyError();

// One call. Reactor is gRPC's ClientReadReactor, ClientWriteReactor or ClientBidiReactor; the On... functions override
// those of them that it has.
// Owners: the stream object and each operation under way, and gRPC (self_) until OnDone.
template <class Reactor, class Request, class Response>
class ClientStreamCall final : public Reactor {
 public:
  using Ptr = std::shared_ptr<ClientStreamCall>;

  explicit ClientStreamCall(const CallContext& context) : context_(MakeClientContext(context)) {}

  // `bind(context, call)` calls the stub.
  template <class Bind>
  static Ptr Start(const CallContext& context, Bind bind) {
    auto call = std::make_shared<ClientStreamCall>(context);
    call->self_ = call;
    {
      ClientMeterScope scope(call->context_.get(), &call->meter_);
      bind(call->context_.get(), call.get());
    }
    // The hold lets us start operations from outside of gRPC's reactions, until the gate is closed and empty.
    call->AddHold();
    call->StartCall();
    return call;
  }

  static asio::awaitable<absl::StatusOr<std::optional<Response>>> Read(Ptr call) {
    if (!call->read_ended_ && call->gate_.Enter()) {
      call->read_done_.Reset();
      auto start = [self = call.get()] {
        self->StartRead(&self->incoming_);
        self->Leave();
      };
      auto cancel = [call] { call->Cancel(); };
      co_await call->read_done_.Await(start, cancel);
      if (call->read_ok_) {
        call->meter_.CountReceived();
        co_return std::optional<Response>(std::move(call->incoming_));
      }
      call->read_ended_ = true;
    }
    absl::Status status = co_await End(call);
    if (!status.ok()) {
      co_return status;
    }
    co_return std::optional<Response>();
  }

  // False: the call is over.
  static asio::awaitable<bool> Write(Ptr call, Request message, bool last) {
    if (call->writes_done_ || !call->gate_.Enter()) {
      co_return false;
    }
    call->writes_done_ = last;
    call->write_done_.Reset();
    call->outgoing_ = std::move(message);
    auto start = [self = call.get(), last] {
      if (last) {
        self->StartWriteLast(&self->outgoing_, grpc::WriteOptions());
      } else {
        self->StartWrite(&self->outgoing_);
      }
      self->Leave();
    };
    auto cancel = [call] { call->Cancel(); };
    co_await call->write_done_.Await(start, cancel);
    call->meter_.CountSent();
    co_return call->write_ok_;
  }

  static asio::awaitable<void> WritesDone(Ptr call) {
    if (call->writes_done_ || !call->gate_.Enter()) {
      co_return;
    }
    call->writes_done_ = true;
    call->write_done_.Reset();
    auto start = [self = call.get()] {
      self->StartWritesDone();
      self->Leave();
    };
    auto cancel = [call] { call->Cancel(); };
    co_await call->write_done_.Await(start, cancel);
  }

  // Waits for the status. Nothing may be left to read.
  static asio::awaitable<absl::Status> End(Ptr call) {
    call->Close();
    if (!call->done_.IsSet()) {
      auto cancel = [call] { call->Cancel(); };
      co_await call->done_.Await([] {}, cancel);
    }
    co_return FromGrpc(call->status_);
  }

  void Cancel() { context_->TryCancel(); }
  // No operation starts any more.
  void Close() {
    if (gate_.Close()) {
      this->RemoveHold();
    }
  }
  Response* response() { return &incoming_; }

  // gRPC's reactions; on its threads.
  void OnReadDone(bool ok) {
    read_ok_ = ok;
    read_done_.Set();
  }
  void OnWriteDone(bool ok) {
    write_ok_ = ok;
    write_done_.Set();
  }
  void OnWritesDoneDone(bool ok) {
    write_ok_ = ok;
    write_done_.Set();
  }
  void OnDone(const grpc::Status& status) {
    status_ = status;
    meter_.Finish(status.error_code());
    Ptr self = std::move(self_);
    done_.Set();
  }

 private:
  void Leave() {
    if (gate_.Leave()) {
      this->RemoveHold();
    }
  }

  std::unique_ptr<grpc::ClientContext> context_;
  CallMeter meter_;
  OperationGate gate_;
  AwaitableEvent read_done_;
  AwaitableEvent write_done_;
  AwaitableEvent done_;
  bool read_ok_ = false;
  bool write_ok_ = false;
  bool read_ended_ = false;   // of the reading coroutine
  bool writes_done_ = false;  // of the writing coroutine
  Request outgoing_;
  Response incoming_;
  grpc::Status status_;
  Ptr self_;
};

// What the three kinds have in common: a call that is cancelled when its owner goes.
template <class Call>
class StreamHandle {
 public:
  StreamHandle() = default;
  explicit StreamHandle(std::shared_ptr<Call> call) : call_(std::move(call)) {}
  StreamHandle(StreamHandle&&) noexcept = default;
  StreamHandle& operator=(StreamHandle&& other) noexcept {
    if (this != &other) {
      Drop();
      call_ = std::move(other.call_);
    }
    return *this;
  }
  ~StreamHandle() { Drop(); }

  // False for a default-constructed or moved-from stream, on which nothing else may be called.
  explicit operator bool() const { return call_ != nullptr; }
  // Thread-safe, any time, any number of times: operations under way return Cancelled soon.
  void Cancel() { call_->Cancel(); }

 protected:
  std::shared_ptr<Call> call_;

 private:
  void Drop() {
    if (call_ != nullptr) {
      call_->Cancel();
      call_->Close();
    }
  }
};

}  // namespace rpc_internal

template <class Response>
class [[nodiscard]] ServerStream
    : public rpc_internal::StreamHandle<
          rpc_internal::ClientStreamCall<grpc::ClientReadReactor<Response>, rpc_internal::Nothing, Response>> {
  using Call = rpc_internal::ClientStreamCall<grpc::ClientReadReactor<Response>, rpc_internal::Nothing, Response>;
  using Handle = rpc_internal::StreamHandle<Call>;

 public:
  using Handle::Handle;

  // `request` is needed during this call only.
  template <class AsyncStub, class Methods, class Request>
  static ServerStream Start(AsyncStub* stub,
                            void (Methods::*method)(grpc::ClientContext*, const Request*,
                                                    grpc::ClientReadReactor<Response>*),
                            const std::type_identity_t<Request>& request, const CallContext& context) {
    return ServerStream(Call::Start(
        context, [&](grpc::ClientContext* client, Call* call) { (stub->*method)(client, &request, call); }));
  }

  // The next message; none when the server finished with OK; else the call's status. Again after the end: the same.
  asio::awaitable<absl::StatusOr<std::optional<Response>>> Read() { return Call::Read(this->call_); }
};

template <class Request, class Response>
class [[nodiscard]] ClientStream
    : public rpc_internal::StreamHandle<
          rpc_internal::ClientStreamCall<grpc::ClientWriteReactor<Request>, Request, Response>> {
  using Call = rpc_internal::ClientStreamCall<grpc::ClientWriteReactor<Request>, Request, Response>;
  using Handle = rpc_internal::StreamHandle<Call>;

 public:
  using Handle::Handle;

  template <class AsyncStub, class Methods>
  static ClientStream Start(AsyncStub* stub,
                            void (Methods::*method)(grpc::ClientContext*, Response*, grpc::ClientWriteReactor<Request>*),
                            const CallContext& context) {
    return ClientStream(Call::Start(context, [&](grpc::ClientContext* client, Call* call) {
      (stub->*method)(client, call->response(), call);
    }));
  }

  // Returns when the message is on its way. An error says that the call is over: its status, or OutOfRange when the
  // server answered without reading all (Finish() has the answer).
  asio::awaitable<absl::Status> Write(Request message) { return WriteOne(this->call_, std::move(message), false); }
  // The same for the last message; saves a round to gRPC.
  asio::awaitable<absl::Status> WriteLast(Request message) { return WriteOne(this->call_, std::move(message), true); }

  asio::awaitable<absl::StatusOr<Response>> Finish() { return FinishCall(this->call_); }

 private:
  static asio::awaitable<absl::Status> WriteOne(std::shared_ptr<Call> call, Request message, bool last) {
    bool written = co_await Call::Write(call, std::move(message), last);
    if (written) {
      co_return absl::OkStatus();
    }
    absl::Status status = co_await Call::End(call);
    co_return status.ok() ? rpc_internal::FinishedEarlyError() : status;
  }
  static asio::awaitable<absl::StatusOr<Response>> FinishCall(std::shared_ptr<Call> call) {
    co_await Call::WritesDone(call);
    absl::Status status = co_await Call::End(call);
    if (!status.ok()) {
      co_return status;
    }
    co_return std::move(*call->response());
  }
};

template <class Request, class Response>
class [[nodiscard]] BidiStream
    : public rpc_internal::StreamHandle<
          rpc_internal::ClientStreamCall<grpc::ClientBidiReactor<Request, Response>, Request, Response>> {
  using Call = rpc_internal::ClientStreamCall<grpc::ClientBidiReactor<Request, Response>, Request, Response>;
  using Handle = rpc_internal::StreamHandle<Call>;

 public:
  using Handle::Handle;

  template <class AsyncStub, class Methods>
  static BidiStream Start(AsyncStub* stub,
                          void (Methods::*method)(grpc::ClientContext*, grpc::ClientBidiReactor<Request, Response>*),
                          const CallContext& context) {
    return BidiStream(
        Call::Start(context, [&](grpc::ClientContext* client, Call* call) { (stub->*method)(client, call); }));
  }

  // As ServerStream::Read. May wait while another coroutine of the same executor writes.
  asio::awaitable<absl::StatusOr<std::optional<Response>>> Read() { return Call::Read(this->call_); }
  // An error says only that the call is over; Read() or Finish() knows why.
  asio::awaitable<absl::Status> Write(Request message) { return WriteOne(this->call_, std::move(message)); }
  // Nothing more to write; reading goes on.
  asio::awaitable<void> WritesDone() { return Call::WritesDone(this->call_); }
  // WritesDone, reads and drops what is still coming, and returns the call's status. Not while a Read is under way.
  asio::awaitable<absl::Status> Finish() { return FinishCall(this->call_); }

 private:
  static asio::awaitable<absl::Status> WriteOne(std::shared_ptr<Call> call, Request message) {
    bool written = co_await Call::Write(call, std::move(message), false);
    co_return written ? absl::OkStatus() : rpc_internal::StreamClosedError();
  }
  static asio::awaitable<absl::Status> FinishCall(std::shared_ptr<Call> call) {
    co_await Call::WritesDone(call);
    for (;;) {
      absl::StatusOr<std::optional<Response>> next = co_await Call::Read(call);
      if (!next.ok() || !next->has_value()) {
        co_return next.status();
      }
    }
  }
};

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_CLIENT_STREAM_H_
