#include <gtest/gtest.h>

#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include "common/rpc/client_stream.h"
#include "common/rpc/status.h"
#include "echo_service.h"

namespace mailmesh::rpc {
namespace {

using CountStream = ServerStream<CountResponse>;
using SumStream = ClientStream<SumRequest, SumResponse>;
using ChatStream = BidiStream<ChatRequest, ChatResponse>;

CountStream StartCount(EchoMesh& mesh, const CountRequest& request,
                       CallContext context = CallContext::Within(absl::Seconds(60))) {
  return CountStream::Start(mesh.async(), &EchoAsync::Count, request, context);
}

SumStream StartSum(EchoMesh& mesh) {
  return SumStream::Start(mesh.async(), &EchoAsync::Sum, CallContext::Within(absl::Seconds(60)));
}

ChatStream StartChat(EchoMesh& mesh) {
  return ChatStream::Start(mesh.async(), &EchoAsync::Chat, CallContext::Within(absl::Seconds(60)));
}

struct Read {
  int64_t messages = 0;
  absl::Status status;
};

asio::awaitable<Read> ReadAll(CountStream* stream) {
  Read result;
  for (;;) {
    absl::StatusOr<std::optional<CountResponse>> next = co_await stream->Read();
    if (!next.ok() || !next->has_value()) {
      result.status = next.status();
      co_return result;
    }
    if ((*next)->number() != ++result.messages) {
      result.status = absl::DataLossError("out of order");
      co_return result;
    }
  }
}

bool Idle(EchoMesh& mesh) {
  return Eventually([&] { return mesh.counters().running == 0 && mesh.server().calls_in_flight() == 0; });
}

TEST(ServerStreamTest, ReadsAll) {
  EchoMesh mesh;
  for (int64_t to : {0, 1, 2, 1000}) {
    CountRequest request;
    request.set_to(to);
    CountStream stream = StartCount(mesh, request);
    Read result = mesh.client().Run(ReadAll(&stream));
    EXPECT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(result.messages, to);
    // Again after the end: the same.
    EXPECT_TRUE(mesh.client().Run(ReadAll(&stream)).status.ok());
  }
}

TEST(ServerStreamTest, HasTheStatus) {
  EchoMesh mesh;
  CountRequest request;
  request.set_to(3);
  request.set_fail_code(static_cast<int>(absl::StatusCode::kDataLoss));
  CountStream stream = StartCount(mesh, request);
  Read result = mesh.client().Run(ReadAll(&stream));
  EXPECT_EQ(result.status, absl::DataLossError("as asked"));
  EXPECT_EQ(result.messages, 2);  // the last message goes with an OK only
}

TEST(ServerStreamTest, Deadline) {
  EchoMesh mesh;
  CountRequest request;
  request.set_stay(true);
  CountStream stream = StartCount(mesh, request, CallContext::Within(absl::Milliseconds(100)));
  EXPECT_EQ(mesh.client().Run(ReadAll(&stream)).status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(Idle(mesh));
}

TEST(ServerStreamTest, DroppedAtEachStage) {
  EchoMesh mesh;
  for (int stop_by : {0, 1}) {
    for (int reads : {0, 1, 3}) {
      CountRequest request;
      request.set_to(3);
      request.set_stay(true);
      request.set_stop_by(stop_by);
      CountStream stream = StartCount(mesh, request, CallContext::NoDeadline());
      for (int i = 0; i < reads; ++i) {
        ASSERT_TRUE(mesh.client().Run(stream.Read()).ok());
      }
      stream = CountStream();
      EXPECT_TRUE(Idle(mesh)) << reads;
    }
  }
}

TEST(ServerStreamTest, CancelWakesTheReader) {
  EchoMesh mesh;
  CountRequest request;
  request.set_stay(true);
  CountStream stream = StartCount(mesh, request, CallContext::NoDeadline());
  std::thread cancel([&] {
    Eventually([&] { return mesh.counters().running == 1; });
    stream.Cancel();
  });
  EXPECT_EQ(mesh.client().Run(ReadAll(&stream)).status.code(), absl::StatusCode::kCancelled);
  cancel.join();
  EXPECT_TRUE(Idle(mesh));
  EXPECT_EQ(mesh.counters().cancelled, 1);
}

asio::awaitable<void> ReadWhileDropped(EchoMesh* mesh, std::optional<absl::Status>* seen) {
  CountRequest request;
  request.set_stay(true);
  auto stream = std::make_unique<CountStream>(StartCount(*mesh, request, CallContext::NoDeadline()));
  auto read = [](CountStream* stream, std::optional<absl::Status>* seen) -> asio::awaitable<void> {
    absl::StatusOr<std::optional<CountResponse>> next = co_await stream->Read();
    *seen = next.status();
  };
  auto executor = co_await asio::this_coro::executor;
  asio::co_spawn(executor, read(stream.get(), seen), asio::detached);
  asio::steady_timer timer(executor, std::chrono::milliseconds(50));
  co_await timer.async_wait(asio::use_awaitable);
  stream.reset();
  while (!seen->has_value()) {
    timer.expires_after(std::chrono::milliseconds(1));
    co_await timer.async_wait(asio::use_awaitable);
  }
}

TEST(ServerStreamTest, DroppedUnderItsReader) {
  EchoMesh mesh;
  std::optional<absl::Status> seen;
  mesh.client().Run(ReadWhileDropped(&mesh, &seen));
  EXPECT_EQ(seen->code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(Idle(mesh));
}

asio::awaitable<size_t> ReadOrTimeout(CountStream* stream, int milliseconds) {
  using namespace asio::experimental::awaitable_operators;
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, std::chrono::milliseconds(milliseconds));
  auto result = co_await (stream->Read() || timer.async_wait(asio::use_awaitable));
  co_return result.index();
}

TEST(ServerStreamTest, CancellingTheCoroutineCancelsTheStream) {
  EchoMesh mesh;
  CountRequest request;
  request.set_stay(true);
  CountStream stream = StartCount(mesh, request, CallContext::NoDeadline());
  EXPECT_EQ(mesh.client().Run(ReadOrTimeout(&stream, 30)), 1u);
  EXPECT_TRUE(Idle(mesh));
}

TEST(ServerStreamTest, AStalledReaderStopsTheWriter) {
  EchoMesh mesh;
  constexpr int64_t kChunk = 64 << 10;
  CountRequest request;
  request.set_to(1000);
  request.set_payload_bytes(kChunk);
  CountStream stream = StartCount(mesh, request);
  // Until the writer stands still.
  int64_t written = -1;
  EXPECT_TRUE(Eventually([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return std::exchange(written, mesh.counters().written.load()) == mesh.counters().written;
  }));
  EXPECT_LE(written * kChunk, 1 << 20);
  Read result = mesh.client().Run(ReadAll(&stream));
  EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.messages, 1000);
}

TEST(ServerStreamTest, ServerDrains) {
  for (int stop_by : {0, 1}) {
    EchoMesh mesh;
    CountRequest request;
    request.set_to(1);
    request.set_stay(true);
    request.set_stop_by(stop_by);
    CountStream stream = StartCount(mesh, request, CallContext::NoDeadline());
    ASSERT_TRUE(mesh.client().Run(stream.Read()).ok());
    absl::Time begin = absl::Now();
    mesh.StopServer(absl::Seconds(30));
    EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
    Read result = mesh.client().Run(ReadAll(&stream));
    EXPECT_EQ(result.status.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ReasonOf(result.status), type::v1::ERROR_REASON_SHUTTING_DOWN);
    EXPECT_EQ(mesh.counters().stopped, 1);
  }
}

asio::awaitable<absl::StatusOr<SumResponse>> SendSum(SumStream* stream, std::vector<int64_t> numbers, bool last,
                                                     absl::Status* write_status) {
  for (size_t i = 0; i < numbers.size(); ++i) {
    SumRequest message;
    message.set_number(numbers[i]);
    if (last && i + 1 == numbers.size()) {
      *write_status = co_await stream->WriteLast(std::move(message));
    } else {
      *write_status = co_await stream->Write(std::move(message));
    }
    if (!write_status->ok()) {
      break;
    }
  }
  absl::StatusOr<SumResponse> response = co_await stream->Finish();
  co_return response;
}

TEST(ClientStreamTest, SendsAll) {
  EchoMesh mesh;
  for (bool last : {false, true}) {
    for (const std::vector<int64_t>& numbers : {std::vector<int64_t>{}, {1}, {1, 2, 3}}) {
      SumStream stream = StartSum(mesh);
      absl::Status written;
      absl::StatusOr<SumResponse> reply = mesh.client().Run(SendSum(&stream, numbers, last, &written));
      ASSERT_TRUE(reply.ok()) << reply.status();
      EXPECT_TRUE(written.ok()) << written;
      EXPECT_EQ(reply->sum(), numbers.size() * (numbers.size() + 1) / 2);
    }
  }
}

TEST(ClientStreamTest, ServerAnswersEarly) {
  EchoMesh mesh;
  std::vector<int64_t> numbers(10'000, 1);
  numbers[5] = -1;
  SumStream stream = StartSum(mesh);
  absl::Status written;
  absl::StatusOr<SumResponse> reply = mesh.client().Run(SendSum(&stream, numbers, false, &written));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->sum(), 5);
  EXPECT_EQ(written.code(), absl::StatusCode::kOutOfRange);
}

TEST(ClientStreamTest, WriteTellsWhyTheServerRefused) {
  EchoMesh mesh;
  std::vector<int64_t> numbers(10'000, 1);
  numbers[5] = -2;
  SumStream stream = StartSum(mesh);
  absl::Status written;
  absl::StatusOr<SumResponse> reply = mesh.client().Run(SendSum(&stream, numbers, false, &written));
  EXPECT_EQ(ReasonOf(reply.status()), type::v1::ERROR_REASON_QUOTA);
  EXPECT_EQ(ReasonOf(written), type::v1::ERROR_REASON_QUOTA);
}

TEST(ClientStreamTest, DroppedAtEachStage) {
  EchoMesh mesh;
  for (int writes : {0, 1, 3}) {
    SumStream stream = StartSum(mesh);
    for (int i = 0; i < writes; ++i) {
      SumRequest message;
      message.set_number(1);
      ASSERT_TRUE(mesh.client().Run(stream.Write(message)).ok());
    }
    stream = SumStream();
    EXPECT_TRUE(Idle(mesh)) << writes;
  }
}

TEST(ClientStreamTest, CancelledWriterLetsTheHandlerKnow) {
  EchoMesh mesh;
  SumStream stream = StartSum(mesh);
  SumRequest message;
  message.set_number(1);
  ASSERT_TRUE(mesh.client().Run(stream.Write(message)).ok());
  ASSERT_TRUE(Eventually([&] { return mesh.counters().read == 1; }));
  stream.Cancel();
  EXPECT_TRUE(Idle(mesh));
  EXPECT_EQ(mesh.client().Run(stream.Finish()).status().code(), absl::StatusCode::kCancelled);
}

TEST(ClientStreamTest, ServerGoes) {
  EchoMesh mesh;
  SumStream stream = StartSum(mesh);
  SumRequest message;
  message.set_number(1);
  ASSERT_TRUE(mesh.client().Run(stream.Write(message)).ok());
  ASSERT_TRUE(Eventually([&] { return mesh.counters().read == 1; }));
  mesh.StopServer();
  EXPECT_FALSE(mesh.client().Run(stream.Finish()).ok());
}

asio::awaitable<std::string> Say(ChatStream* stream, std::string text) {
  ChatRequest message;
  message.set_text(std::move(text));
  absl::Status written = co_await stream->Write(std::move(message));
  if (!written.ok()) {
    co_return "write: " + written.ToString();
  }
  absl::StatusOr<std::optional<ChatResponse>> next = co_await stream->Read();
  if (!next.ok() || !next->has_value()) {
    co_return "read: " + next.status().ToString();
  }
  co_return (*next)->text();
}

TEST(BidiStreamTest, TalksInTurns) {
  EchoMesh mesh;
  ChatStream stream = StartChat(mesh);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(mesh.client().Run(Say(&stream, std::to_string(i))), std::to_string(i) + "!");
  }
  EXPECT_TRUE(mesh.client().Run(stream.Finish()).ok());
  EXPECT_TRUE(Idle(mesh));
}

asio::awaitable<absl::Status> WriteMany(ChatStream* stream, int count) {
  for (int i = 0; i < count; ++i) {
    ChatRequest message;
    message.set_text(std::to_string(i));
    absl::Status written = co_await stream->Write(std::move(message));
    if (!written.ok()) {
      co_return written;
    }
  }
  co_await stream->WritesDone();
  co_return absl::OkStatus();
}

asio::awaitable<int> ReadMany(ChatStream* stream) {
  for (int count = 0;; ++count) {
    absl::StatusOr<std::optional<ChatResponse>> next = co_await stream->Read();
    if (!next.ok() || !next->has_value()) {
      co_return next.ok() ? count : -1;
    }
  }
}

asio::awaitable<int> WriteAndReadMany(ChatStream* stream, int count) {
  using namespace asio::experimental::awaitable_operators;
  auto [written, read] = co_await (WriteMany(stream, count) && ReadMany(stream));
  co_return written.ok() ? read : -2;
}

TEST(BidiStreamTest, ReadsAndWritesAtOnce) {
  EchoMesh mesh;
  ChatStream stream = StartChat(mesh);
  EXPECT_EQ(mesh.client().Run(WriteAndReadMany(&stream, 2000)), 2000);
  EXPECT_TRUE(mesh.client().Run(stream.Finish()).ok());
}

TEST(BidiStreamTest, FinishDropsWhatIsUnread) {
  EchoMesh mesh;
  ChatStream stream = StartChat(mesh);
  for (int i = 0; i < 5; ++i) {
    ChatRequest message;
    message.set_text("x");
    ASSERT_TRUE(mesh.client().Run(stream.Write(message)).ok());
  }
  EXPECT_TRUE(mesh.client().Run(stream.Finish()).ok());
}

TEST(BidiStreamTest, ServerLeaves) {
  EchoMesh mesh;
  ChatStream stream = StartChat(mesh);
  EXPECT_EQ(mesh.client().Run(Say(&stream, "hello")), "hello!");
  EXPECT_EQ(mesh.client().Run(Say(&stream, "leave")), "read: ABORTED: as asked");
  ChatRequest message;
  EXPECT_EQ(mesh.client().Run(stream.Write(message)).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(mesh.client().Run(stream.Finish()), absl::AbortedError("as asked"));
}

TEST(BidiStreamTest, DroppedAndCancelled) {
  EchoMesh mesh;
  { ChatStream unused = StartChat(mesh); }
  ChatStream stream = StartChat(mesh);
  EXPECT_EQ(mesh.client().Run(Say(&stream, "hello")), "hello!");
  stream.Cancel();
  EXPECT_EQ(mesh.client().Run(stream.Finish()).code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(Idle(mesh));
}

}  // namespace
}  // namespace mailmesh::rpc
