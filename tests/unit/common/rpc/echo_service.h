// A real server of EchoService for the tests of common/rpc, its client's io_context, and a folder for sockets.
#ifndef MAILMESH_TESTS_UNIT_COMMON_RPC_ECHO_SERVICE_H_
#define MAILMESH_TESTS_UNIT_COMMON_RPC_ECHO_SERVICE_H_

#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "common/base/worker_pool.h"
#include "common/rpc/channel.h"
#include "common/rpc/server.h"
#include "common/rpc/server_call.h"
#include "common/rpc/server_stream.h"
#include "echo.grpc.pb.h"

namespace mailmesh::rpc {

using rpctest::v1::ChatRequest;
using rpctest::v1::ChatResponse;
using rpctest::v1::CountRequest;
using rpctest::v1::CountResponse;
using rpctest::v1::EchoRequest;
using rpctest::v1::EchoResponse;
using rpctest::v1::SumRequest;
using rpctest::v1::SumResponse;
using EchoStub = rpctest::v1::EchoService::Stub;
using EchoAsync = class EchoStub::async;  // a function has the same name

// An io_context with a thread of its own.
class IoThread {
 public:
  IoThread() : work_(asio::make_work_guard(io_)), thread_([this] { io_.run(); }) {}
  ~IoThread() {
    work_.reset();
    thread_.join();
  }
  asio::io_context& io() { return io_; }

  // Runs a coroutine there and waits for its result.
  template <class T>
  T Run(asio::awaitable<T> task) {
    return asio::co_spawn(io_, std::move(task), asio::use_future).get();
  }

 private:
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Waits until `condition` holds; false after 10 s.
template <class Condition>
bool Eventually(Condition condition) {
  for (int i = 0; i < 10'000; ++i) {
    if (condition()) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

// What the handlers saw.
struct EchoCounters {
  std::atomic<int> running{0};
  std::atomic<int> cancelled{0};
  std::atomic<int64_t> written{0};
  std::atomic<int64_t> read{0};
  std::atomic<int> stopped{0};
};

class EchoServiceImpl final : public rpctest::v1::EchoService::CallbackService {
 public:
  EchoServiceImpl(asio::any_io_executor executor, base::WorkerPool& pool) : executor_(std::move(executor)), pool_(pool) {}

  // Where EchoForward goes.
  void set_next(EchoStub* next) { next_ = next; }
  EchoCounters& counters() { return counters_; }

  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const EchoRequest* request,
                                 EchoResponse* response) override;
  grpc::ServerUnaryReactor* EchoOnPool(grpc::CallbackServerContext* context, const EchoRequest* request,
                                       EchoResponse* response) override;
  grpc::ServerUnaryReactor* EchoDeferred(grpc::CallbackServerContext* context, const EchoRequest* request,
                                         EchoResponse* response) override;
  grpc::ServerUnaryReactor* EchoForward(grpc::CallbackServerContext* context, const EchoRequest* request,
                                        EchoResponse* response) override;
  grpc::ServerWriteReactor<CountResponse>* Count(grpc::CallbackServerContext* context,
                                                 const CountRequest* request) override;
  grpc::ServerReadReactor<SumRequest>* Sum(grpc::CallbackServerContext* context, SumResponse* response) override;
  grpc::ServerBidiReactor<ChatRequest, ChatResponse>* Chat(grpc::CallbackServerContext* context) override;

 private:
  asio::awaitable<absl::Status> OnEcho(CallInfo info, const EchoRequest& request, EchoResponse& response);
  absl::Status DoEcho(const CallInfo& info, const EchoRequest& request, EchoResponse& response);
  void DoEchoDeferred(const CallInfo& info, const EchoRequest& request, EchoResponse* response, Responder responder);
  asio::awaitable<absl::Status> OnEchoForward(CallInfo info, const EchoRequest& request, EchoResponse& response);
  asio::awaitable<absl::Status> OnCount(CallInfo info, const CountRequest& request,
                                        ServerWriter<CountResponse>& writer);
  asio::awaitable<absl::Status> Stay(const CountRequest& request, ServerWriter<CountResponse>& writer);
  asio::awaitable<absl::Status> OnSum(CallInfo info, ServerReader<SumRequest>& reader, SumResponse& response);
  asio::awaitable<absl::Status> OnChat(CallInfo info, ServerReader<ChatRequest>& reader,
                                       ServerWriter<ChatResponse>& writer);

  asio::any_io_executor executor_;
  base::WorkerPool& pool_;
  EchoStub* next_ = nullptr;
  EchoCounters counters_;
};

// Server, channel and stub over a Unix socket.
class EchoMesh {
 public:
  explicit EchoMesh(ServerOptions options = {}, ChannelOptions channel_options = {});
  ~EchoMesh();

  void StartServer();
  void StopServer(absl::Duration patience = absl::ZeroDuration());

  EchoStub* stub() { return stub_.get(); }
  EchoAsync* async() { return stub_->async(); }
  EchoServiceImpl& service() { return service_; }
  EchoCounters& counters() { return service_.counters(); }
  Server& server() { return *server_; }
  IoThread& client() { return client_io_; }
  base::WorkerPool& pool() { return pool_; }

 private:
  TempFolder folder_;
  ServerOptions options_;
  IoThread server_io_;
  IoThread client_io_;
  base::WorkerPool pool_;
  EchoServiceImpl service_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<EchoStub> stub_;
};

}  // namespace mailmesh::rpc

#endif  // MAILMESH_TESTS_UNIT_COMMON_RPC_ECHO_SERVICE_H_
