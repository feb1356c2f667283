// Many calls of all kinds at once, cancelled at random moments, over a server that is stopped under them: for the
// sanitizers. MAILMESH_RPC_STRESS=100000 says how many.
#include <gtest/gtest.h>

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <cstdlib>
#include <random>

#include "absl/strings/numbers.h"
#include "common/rpc/client_call.h"
#include "common/rpc/client_stream.h"
#include "echo_service.h"

namespace mailmesh::rpc {
namespace {

int Calls() {
  const char* text = std::getenv("MAILMESH_RPC_STRESS");
  int calls = 0;
  return text != nullptr && absl::SimpleAtoi(text, &calls) ? calls : 4'000;
}

asio::awaitable<bool> CallUnary(EchoMesh* mesh, int delay) {
  EchoRequest request;
  request.set_text("x");
  request.set_delay_ms(delay);
  CallContext context = CallContext::Within(absl::Seconds(2), telemetry::Trace::New());
  absl::StatusOr<EchoResponse> reply = co_await UnaryCall(mesh->async(), &EchoAsync::Echo, request, context);
  co_return reply.ok();
}

asio::awaitable<bool> CallCount(EchoMesh* mesh, int limit) {
  CountRequest request;
  request.set_to(20);
  request.set_payload_bytes(1000);
  CallContext context = CallContext::Within(absl::Seconds(2));
  auto stream = ServerStream<CountResponse>::Start(mesh->async(), &EchoAsync::Count, request, context);
  for (int i = 0; i < limit; ++i) {
    absl::StatusOr<std::optional<CountResponse>> next = co_await stream.Read();
    if (!next.ok() || !next->has_value()) {
      co_return next.ok();
    }
  }
  co_return true;
}

asio::awaitable<bool> CallSum(EchoMesh* mesh, int limit) {
  CallContext context = CallContext::Within(absl::Seconds(2));
  auto stream = ClientStream<SumRequest, SumResponse>::Start(mesh->async(), &EchoAsync::Sum, context);
  for (int i = 0; i < limit; ++i) {
    SumRequest message;
    message.set_number(i == 15 ? -1 : 1);
    absl::Status written = co_await stream.Write(std::move(message));
    if (!written.ok()) {
      co_return false;
    }
  }
  if (limit % 3 == 0) {
    co_return true;
  }
  absl::StatusOr<SumResponse> reply = co_await stream.Finish();
  co_return reply.ok();
}

asio::awaitable<bool> CallChat(EchoMesh* mesh, int limit) {
  CallContext context = CallContext::Within(absl::Seconds(2));
  auto stream = BidiStream<ChatRequest, ChatResponse>::Start(mesh->async(), &EchoAsync::Chat, context);
  for (int i = 0; i < limit; ++i) {
    ChatRequest message;
    absl::Status written = co_await stream.Write(std::move(message));
    if (!written.ok()) {
      co_return false;
    }
    if (i % 2 == 0) {
      absl::StatusOr<std::optional<ChatResponse>> next = co_await stream.Read();
      if (!next.ok()) {
        co_return false;
      }
    }
  }
  if (limit % 3 == 0) {
    co_return true;
  }
  absl::Status status = co_await stream.Finish();
  co_return status.ok();
}

asio::awaitable<bool> CallAny(EchoMesh* mesh, int kind, int limit) {
  switch (kind) {
    case 0:
      return CallCount(mesh, limit);
    case 1:
      return CallSum(mesh, limit);
    case 2:
      return CallChat(mesh, limit);
    default:
      return CallUnary(mesh, limit % 3);
  }
}

asio::awaitable<void> Worker(EchoMesh* mesh, int calls, unsigned seed, int* ok) {
  using namespace asio::experimental::awaitable_operators;
  std::minstd_rand random(seed);
  auto executor = co_await asio::this_coro::executor;
  for (int i = 0; i < calls; ++i) {
    int kind = static_cast<int>(random() % 12);
    int limit = static_cast<int>(random() % 30);
    if (random() % 4 != 0) {
      bool done = co_await CallAny(mesh, kind, limit);
      *ok += done ? 1 : 0;
      continue;
    }
    asio::steady_timer timer(executor, std::chrono::microseconds(random() % 3000));
    co_await (CallAny(mesh, kind, limit) || timer.async_wait(asio::use_awaitable));
  }
}

TEST(Stress, CallsOfAllKinds) {
  EchoMesh mesh;
  constexpr int kWorkers = 64;
  std::vector<int> ok(kWorkers, 0);
  std::vector<std::future<void>> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.push_back(asio::co_spawn(mesh.client().io(), Worker(&mesh, Calls() / kWorkers, i + 1, &ok[i]), asio::use_future));
  }
  int total = 0;
  for (int i = 0; i < kWorkers; ++i) {
    workers[i].get();
    total += ok[i];
  }
  EXPECT_GT(total, Calls() / 4);
  EXPECT_TRUE(Eventually([&] { return mesh.server().calls_in_flight() == 0 && mesh.counters().running == 0; }));
}

TEST(Stress, ServerStoppedUnderCalls) {
  EchoMesh mesh;
  for (int round = 0; round < 10; ++round) {
    std::vector<int> ok(16, 0);
    std::vector<std::future<void>> workers;
    for (int i = 0; i < 16; ++i) {
      workers.push_back(
          asio::co_spawn(mesh.client().io(), Worker(&mesh, 20, round * 16 + i + 1, &ok[i]), asio::use_future));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(round));
    mesh.StopServer(absl::Milliseconds(round));
    for (std::future<void>& worker : workers) {
      worker.get();
    }
    mesh.StartServer();
  }
}

}  // namespace
}  // namespace mailmesh::rpc
