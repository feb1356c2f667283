#include "echo_service.h"

#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <filesystem>
#include <stdexcept>

#include "common/rpc/client_call.h"
#include "common/rpc/status.h"

namespace mailmesh::rpc {
namespace {

// Counts handlers that have not returned yet.
class Running {
 public:
  explicit Running(EchoCounters& counters) : counters_(counters) { ++counters_.running; }
  ~Running() { --counters_.running; }

 private:
  EchoCounters& counters_;
};

asio::awaitable<void> Pause(std::chrono::milliseconds time) {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, time);
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  co_await timer.async_wait(token);
}

}  // namespace

TempFolder::TempFolder() {
  std::string name = "/tmp/mailmesh-rpc-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("mkdtemp");
  }
  path_ = name;
}

TempFolder::~TempFolder() { std::filesystem::remove_all(path_); }

grpc::ServerUnaryReactor* EchoServiceImpl::Echo(grpc::CallbackServerContext* context, const EchoRequest* request,
                                                EchoResponse* response) {
  return HandleUnary(context, executor_, request, response, this, &EchoServiceImpl::OnEcho);
}

grpc::ServerUnaryReactor* EchoServiceImpl::EchoOnPool(grpc::CallbackServerContext* context, const EchoRequest* request,
                                                      EchoResponse* response) {
  return HandleUnaryOnPool(context, pool_, request, response, this, &EchoServiceImpl::DoEcho);
}

grpc::ServerUnaryReactor* EchoServiceImpl::EchoDeferred(grpc::CallbackServerContext* context,
                                                        const EchoRequest* request, EchoResponse* response) {
  return HandleUnaryDeferred(context, pool_, request, response, this, &EchoServiceImpl::DoEchoDeferred);
}

grpc::ServerUnaryReactor* EchoServiceImpl::EchoForward(grpc::CallbackServerContext* context, const EchoRequest* request,
                                                       EchoResponse* response) {
  return HandleUnary(context, executor_, request, response, this, &EchoServiceImpl::OnEchoForward);
}

grpc::ServerWriteReactor<CountResponse>* EchoServiceImpl::Count(grpc::CallbackServerContext* context,
                                                                const CountRequest* request) {
  return HandleServerStream<CountResponse>(context, executor_, request, this, &EchoServiceImpl::OnCount);
}

grpc::ServerReadReactor<SumRequest>* EchoServiceImpl::Sum(grpc::CallbackServerContext* context, SumResponse* response) {
  return HandleClientStream<SumRequest>(context, executor_, response, this, &EchoServiceImpl::OnSum);
}

grpc::ServerBidiReactor<ChatRequest, ChatResponse>* EchoServiceImpl::Chat(grpc::CallbackServerContext* context) {
  return HandleBidi<ChatRequest, ChatResponse>(context, executor_, this, &EchoServiceImpl::OnChat);
}

asio::awaitable<absl::Status> EchoServiceImpl::OnEcho(CallInfo info, const EchoRequest& request,
                                                      EchoResponse& response) {
  Running running(counters_);
  if (request.delay_ms() > 0) {
    co_await Pause(std::chrono::milliseconds(request.delay_ms()));
  }
  while (request.delay_ms() < 0) {
    if (info.cancelled()) {
      ++counters_.cancelled;
      co_return absl::CancelledError("seen");
    }
    co_await Pause(std::chrono::milliseconds(2));
  }
  co_return DoEcho(info, request, response);
}

absl::Status EchoServiceImpl::DoEcho(const CallInfo& info, const EchoRequest& request, EchoResponse& response) {
  if (request.text() == "throw") {
    throw std::runtime_error("as asked");
  }
  if (request.fail_code() != 0) {
    return MakeError(static_cast<absl::StatusCode>(request.fail_code()),
                     static_cast<ErrorReason>(request.fail_reason()), request.text());
  }
  response.set_text(request.text());
  response.set_trace_id(info.trace.trace_id);
  response.set_span_id(info.trace.span_id);
  if (info.deadline < absl::InfiniteFuture()) {
    response.set_deadline_ms(absl::ToInt64Milliseconds(info.deadline - absl::Now()));
  }
  return absl::OkStatus();
}

void EchoServiceImpl::DoEchoDeferred(const CallInfo& info, const EchoRequest& request, EchoResponse* response,
                                     Responder responder) {
  if (request.text() == "drop") {
    return;
  }
  absl::Status status = DoEcho(info, request, *response);
  auto answer = [responder = std::move(responder), status]() mutable { responder(status); };
  std::thread(std::move(answer)).detach();
}

asio::awaitable<absl::Status> EchoServiceImpl::OnEchoForward(CallInfo info, const EchoRequest& request,
                                                             EchoResponse& response) {
  CallContext downstream = info.Downstream();
  absl::StatusOr<EchoResponse> reply = co_await UnaryCall(next_->async(), &EchoAsync::Echo, request, downstream);
  if (!reply.ok()) {
    co_return reply.status();
  }
  response = *std::move(reply);
  co_return absl::OkStatus();
}

asio::awaitable<absl::Status> EchoServiceImpl::OnCount(CallInfo, const CountRequest& request,
                                                       ServerWriter<CountResponse>& writer) {
  Running running(counters_);
  for (int64_t number = 1; number <= request.to(); ++number) {
    CountResponse message;
    message.set_number(number);
    message.set_payload(std::string(static_cast<size_t>(request.payload_bytes()), 'x'));
    if (number == request.to() && !request.stay()) {
      writer.WriteLast(std::move(message));
      break;
    }
    absl::Status written = co_await writer.Write(std::move(message));
    if (!written.ok()) {
      ++counters_.cancelled;
      co_return written;
    }
    ++counters_.written;
  }
  if (request.stay()) {
    absl::Status stayed = co_await Stay(request, writer);
    co_return stayed;
  }
  if (request.fail_code() != 0) {
    co_return absl::Status(static_cast<absl::StatusCode>(request.fail_code()), "as asked");
  }
  co_return absl::OkStatus();
}

asio::awaitable<absl::Status> EchoServiceImpl::Stay(const CountRequest& request, ServerWriter<CountResponse>& writer) {
  if (request.stop_by() == 0) {
    co_await writer.Stopped();
  } else {
    asio::steady_timer never(executor_, asio::steady_timer::time_point::max());
    writer.OnStop([&never] { never.cancel(); });
    asio::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await never.async_wait(token);
  }
  ++counters_.stopped;
  if (writer.draining()) {
    co_return MakeError(absl::StatusCode::kUnavailable, type::v1::ERROR_REASON_SHUTTING_DOWN, "drain");
  }
  ++counters_.cancelled;
  co_return absl::CancelledError("seen");
}

// A number below zero makes the handler answer at once: -1 with OK, others with an error.
asio::awaitable<absl::Status> EchoServiceImpl::OnSum(CallInfo, ServerReader<SumRequest>& reader, SumResponse& response) {
  Running running(counters_);
  for (;;) {
    absl::StatusOr<std::optional<SumRequest>> next = co_await reader.Read();
    if (!next.ok()) {
      ++counters_.cancelled;
      co_return next.status();
    }
    if (!next->has_value() || (*next)->number() == -1) {
      co_return absl::OkStatus();
    }
    if ((*next)->number() < 0) {
      co_return MakeError(absl::StatusCode::kResourceExhausted, type::v1::ERROR_REASON_QUOTA, "as asked");
    }
    ++counters_.read;
    response.set_sum(response.sum() + (*next)->number());
  }
}

asio::awaitable<absl::Status> EchoServiceImpl::OnChat(CallInfo, ServerReader<ChatRequest>& reader,
                                                      ServerWriter<ChatResponse>& writer) {
  Running running(counters_);
  for (;;) {
    absl::StatusOr<std::optional<ChatRequest>> next = co_await reader.Read();
    if (!next.ok()) {
      ++counters_.cancelled;
      co_return next.status();
    }
    if (!next->has_value()) {
      co_return absl::OkStatus();
    }
    if ((*next)->text() == "leave") {
      co_return absl::AbortedError("as asked");
    }
    ChatResponse answer;
    answer.set_text((*next)->text() + "!");
    absl::Status written = co_await writer.Write(std::move(answer));
    if (!written.ok()) {
      ++counters_.cancelled;
      co_return written;
    }
    ++counters_.written;
  }
}

EchoMesh::EchoMesh(ServerOptions options, ChannelOptions channel_options)
    : options_(std::move(options)),
      pool_(base::WorkerPool::Options{.name = "echo", .threads = 1, .queue_limit = 4}),
      service_(server_io_.io().get_executor(), pool_) {
  options_.endpoint = "unix:" + folder_.path() + "/echo.sock";
  StartServer();
  channel_options.endpoint = options_.endpoint;
  channel_options.role = "echo";
  channel_ = MakeChannel(channel_options).value();
  stub_ = rpctest::v1::EchoService::NewStub(channel_);
  service_.set_next(stub_.get());
}

EchoMesh::~EchoMesh() { StopServer(); }

void EchoMesh::StartServer() {
  server_ = Server::Start(options_, {&service_}).value();
  server_->SetServing(true);
}

void EchoMesh::StopServer(absl::Duration patience) {
  if (server_ != nullptr) {
    server_->Shutdown(absl::Now() + patience);
    server_.reset();
  }
}

}  // namespace mailmesh::rpc
