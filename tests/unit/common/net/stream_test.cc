// Streams over real sockets, plain and TLS: the same tests for both.
#include "common/net/stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>
#include <random>
#include <thread>

#include "common/net/buffered_reader.h"
#include "common/net/sleep.h"
#include "common/net/spawn.h"
#include "tests/unit/common/net/net_test_util.h"

namespace mailmesh::net {
namespace {

// A server's handler that starts TLS where there is a context, then calls `body`.
using Body = Awaitable<void> (*)(Stream);

Awaitable<void> Serve(Stream stream, std::shared_ptr<TlsServerContext> tls, Body body) {
  stream.ExpiresAfter(seconds(20));
  if (tls != nullptr) {
    absl::Status status = co_await stream.StartTlsServer(tls);
    EXPECT_TRUE(status.ok()) << status;
    if (!status.ok()) co_return;
  }
  co_await body(std::move(stream));
}

// Judges nothing: whether all came back is for the client to say.
Awaitable<void> Echo(Stream stream) {
  std::vector<char> buffer(70'000);
  for (;;) {
    absl::StatusOr<size_t> n = co_await stream.ReadSome(buffer);
    if (!n.ok() || *n == 0) break;
    absl::Status status = co_await stream.Write(std::string_view(buffer.data(), *n));
    if (!status.ok()) break;
  }
  (void)co_await stream.ShutdownWrite();
}

class StreamTest : public testing::TestWithParam<bool> {
 protected:
  StreamTest() : pool_(2) {
    if (GetParam()) server_tls_ = pki_.Server({pki_.Issue("localhost", "server")});
    if (GetParam()) client_tls_ = pki_.Client();
    pool_.Start();
  }
  std::unique_ptr<Listener> Start(Body body) {
    auto tls = server_tls_;
    return Listen(pool_, [tls, body](Stream stream) { return Serve(std::move(stream), tls, body); });
  }
  Executor executor() { return pool_.at(0).get_executor(); }
  Stream Connect(const Listener& listener) {
    absl::StatusOr<Stream> stream =
        GetParam() ? RunTask(executor(), DialTls(listener.endpoint(), client_tls_, TlsPeer{"localhost"}))
                   : RunTask(executor(), Dial(listener.endpoint()));
    EXPECT_TRUE(stream.ok()) << stream.status();
    return *std::move(stream);
  }
  void Close(Stream stream) { RunTask(executor(), CloseOn(std::move(stream))); }

  TestPki pki_;
  std::shared_ptr<TlsServerContext> server_tls_;
  std::shared_ptr<const TlsClientContext> client_tls_;
  IoPool pool_;
};

INSTANTIATE_TEST_SUITE_P(PlainAndTls, StreamTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Tls" : "Plain"; });

Awaitable<absl::Status> SendSplit(Stream& stream, const std::string& data, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::string_view> pieces;
  std::string_view rest = data;
  while (!rest.empty()) {
    // Sizes around the interesting ones: nothing, little, a record, more than any socket buffer takes at once.
    static constexpr size_t kSizes[] = {0, 1, 2, 17, 1000, 16384, 16385, 300'000};
    const size_t size = std::min(rest.size(), kSizes[random() % std::size(kSizes)]);
    pieces.push_back(rest.substr(0, size));
    rest.remove_prefix(size);
    if (pieces.size() < random() % 100 && !rest.empty()) continue;
    absl::Status status;
    if (pieces.size() == 1) {
      status = co_await stream.Write(pieces.front());
    } else {
      std::span<const std::string_view> view(pieces);
      status = co_await stream.WriteV(view);
    }
    if (!status.ok()) co_return status;
    pieces.clear();
  }
  co_return co_await stream.ShutdownWrite();
}

// One coroutine writes while another one reads back: two streams, for one has one operation at a time.
Awaitable<void> Sink(Stream stream) {
  absl::StatusOr<std::string> all = co_await ReadAll(stream);
  EXPECT_TRUE(all.ok()) << all.status();
  const std::string length = std::to_string(all->size()) + " " + std::to_string(std::hash<std::string>()(*all));
  (void)co_await stream.Write(length);
  (void)co_await stream.ShutdownWrite();
}

Awaitable<absl::StatusOr<std::string>> SendAndGetReport(Stream* stream, const std::string* data, unsigned seed) {
  absl::Status status = co_await SendSplit(*stream, *data, seed);
  if (!status.ok()) co_return status;
  co_return co_await ReadAll(*stream);
}

TEST_P(StreamTest, WritesAnySplit) {
  auto listener = Start(Sink);
  std::mt19937 random(7);
  for (unsigned round = 0; round < 8; ++round) {
    std::string data(round == 0 ? 0 : random() % 3'000'000, '\0');
    for (char& c : data) c = static_cast<char>(random());
    Stream stream = Connect(*listener);
    absl::StatusOr<std::string> report = RunTask(executor(), SendAndGetReport(&stream, &data, round));
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(*report, std::to_string(data.size()) + " " + std::to_string(std::hash<std::string>()(data)));
    Close(std::move(stream));
  }
}

Awaitable<absl::Status> PingPong(Stream* stream, int rounds) {
  std::mt19937 random(3);
  for (int i = 0; i < rounds; ++i) {
    std::string data(1 + random() % 40'000, static_cast<char>('a' + i % 26));
    absl::Status status = co_await stream->Write(data);
    if (!status.ok()) co_return status;
    absl::StatusOr<std::string> back = co_await ReadN(*stream, data.size());
    if (!back.ok()) co_return back.status();
    if (*back != data) co_return absl::DataLossError("another echo");
  }
  // Half-close: the own end, then all of the other's.
  absl::Status status = co_await stream->ShutdownWrite();
  if (!status.ok()) co_return status;
  absl::StatusOr<std::string> rest = co_await ReadAll(*stream);
  if (!rest.ok()) co_return rest.status();
  if (!rest->empty()) co_return absl::DataLossError("more than was sent");
  co_return absl::OkStatus();
}

TEST_P(StreamTest, EchoAndHalfClose) {
  auto listener = Start(Echo);
  Stream stream = Connect(*listener);
  EXPECT_EQ(stream.is_tls(), GetParam());
  absl::Status status = RunTask(executor(), PingPong(&stream, 200));
  EXPECT_TRUE(status.ok()) << status;
  Close(std::move(stream));
}

Awaitable<void> Silent(Stream stream) { (void)co_await stream.WaitReadable(); }

Awaitable<absl::Status> ReadStatus(Stream* stream) {
  char buffer[16];
  absl::StatusOr<size_t> n = co_await stream->ReadSome(buffer);
  co_return n.status();
}
Awaitable<absl::StatusOr<WaitResult>> Wait(Stream* stream) { co_return co_await stream->WaitReadable(); }

TEST_P(StreamTest, DeadlineOfEachWait) {
  auto listener = Start(Silent);
  Stream stream = Connect(*listener);
  stream.ExpiresAfter(milliseconds(30));
  const TimePoint begin = Clock::now();
  EXPECT_TRUE(absl::IsDeadlineExceeded(RunTask(executor(), ReadStatus(&stream))));
  EXPECT_TRUE(absl::IsDeadlineExceeded(RunTask(executor(), Wait(&stream)).status()));
  EXPECT_GE(Clock::now() - begin, milliseconds(60));
  EXPECT_LT(Clock::now() - begin, seconds(5));
  // A longer one after a shorter one, then a shorter one after a longer one: the one timer must follow.
  stream.ExpiresAfter(seconds(100));
  auto waiting = asio::co_spawn(executor(), Wait(&stream), asio::use_future);
  EXPECT_EQ(waiting.wait_for(milliseconds(80)), std::future_status::timeout);
  stream.handle().Interrupt();
  EXPECT_EQ(*waiting.get(), WaitResult::kInterrupted);
  stream.ExpiresAfter(milliseconds(20));
  EXPECT_TRUE(absl::IsDeadlineExceeded(RunTask(executor(), ReadStatus(&stream))));
  Close(std::move(stream));
}

TEST_P(StreamTest, AbsoluteDeadline) {
  auto listener = Start(Silent);
  Stream stream = Connect(*listener);
  stream.ExpiresAfter(seconds(100));
  stream.ExpiresAt(After(milliseconds(30)));
  EXPECT_TRUE(absl::IsDeadlineExceeded(RunTask(executor(), ReadStatus(&stream))));
  EXPECT_TRUE(absl::IsDeadlineExceeded(RunTask(executor(), ReadStatus(&stream)))) << "it stays over";
  stream.ExpiresAt(kNever);
  stream.handle().Interrupt();
  EXPECT_EQ(*RunTask(executor(), Wait(&stream)), WaitResult::kInterrupted);
  Close(std::move(stream));
}

Awaitable<void> ReadNothing(Stream stream) {
  co_await SleepFor(seconds(1));
  stream.Close();
}

Awaitable<absl::Status> WriteMuch(Stream* stream) {
  const std::string much(16 << 20, 'x');
  co_return co_await stream->Write(much);
}

TEST_P(StreamTest, DeadlineOfWriting) {
  auto listener = Start(ReadNothing);
  Stream stream = Connect(*listener);
  stream.ExpiresAfter(milliseconds(100));
  EXPECT_TRUE(absl::IsDeadlineExceeded(RunTask(executor(), WriteMuch(&stream))));
  Close(std::move(stream));
}

Awaitable<std::vector<WaitResult>> InterruptThenData(Stream* stream) {
  std::vector<WaitResult> results;
  stream->Interrupt();  // before the wait: remembered, once
  absl::StatusOr<WaitResult> first = co_await stream->WaitReadable();
  results.push_back(*first);
  (void)co_await stream->Write("x");
  absl::StatusOr<WaitResult> second = co_await stream->WaitReadable();
  results.push_back(*second);
  // Octets win over an interrupt, which is then still there.
  stream->Interrupt();
  absl::StatusOr<WaitResult> third = co_await stream->WaitReadable();
  results.push_back(*third);
  char buffer[4];
  (void)co_await stream->ReadSome(buffer);
  absl::StatusOr<WaitResult> fourth = co_await stream->WaitReadable();
  results.push_back(*fourth);
  co_return results;
}

TEST_P(StreamTest, InterruptIsRememberedOnce) {
  auto listener = Start(Echo);
  Stream stream = Connect(*listener);
  using enum WaitResult;
  EXPECT_EQ(RunTask(executor(), InterruptThenData(&stream)),
            (std::vector<WaitResult>{kInterrupted, kReadable, kReadable, kInterrupted}));
  Close(std::move(stream));
}

TEST_P(StreamTest, CancelEndsTheOperationAndAllLaterOnes) {
  auto listener = Start(Silent);
  Stream stream = Connect(*listener);
  auto reading = asio::co_spawn(executor(), ReadStatus(&stream), asio::use_future);
  std::this_thread::sleep_for(milliseconds(20));
  StreamHandle handle = stream.handle();
  handle.Cancel();
  EXPECT_TRUE(absl::IsCancelled(reading.get()));
  EXPECT_TRUE(absl::IsCancelled(RunTask(executor(), ReadStatus(&stream))));
  Close(std::move(stream));
  handle.Cancel();  // nothing there any more
  handle.Interrupt();
}

TEST_P(StreamTest, DestroyedWhileAnotherCoroutineReads) {
  auto listener = Start(Silent);
  auto stream = std::make_unique<Stream>(Connect(*listener));
  auto reading = asio::co_spawn(executor(), stream->WaitReadable(), asio::use_future);
  std::this_thread::sleep_for(milliseconds(20));
  RunTask(executor(), CloseOn(std::move(*stream)));
  EXPECT_TRUE(absl::IsCancelled(reading.get().status()));
}

TEST_P(StreamTest, OneOperationAtATime) {
  auto listener = Start(Silent);
  Stream stream = Connect(*listener);
  auto reading = asio::co_spawn(executor(), ReadStatus(&stream), asio::use_future);
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(RunTask(executor(), ReadStatus(&stream)).code(), absl::StatusCode::kFailedPrecondition);
  stream.handle().Cancel();
  EXPECT_TRUE(absl::IsCancelled(reading.get()));
  Close(std::move(stream));
}

Awaitable<void> Reset(Stream stream) {
  (void)co_await stream.WaitReadable();
  linger hard{1, 0};
  setsockopt(stream.fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  stream.Close();
}

Awaitable<absl::Status> WriteUntilError(Stream* stream) {
  for (;;) {
    absl::Status status = co_await stream->Write("hello");
    if (!status.ok()) co_return status;
    co_await SleepFor(milliseconds(1));
  }
}

TEST_P(StreamTest, ResetIsUnavailableAndKillsNobody) {
  auto listener = Start(Reset);
  Stream stream = Connect(*listener);
  EXPECT_TRUE(absl::IsUnavailable(RunTask(executor(), WriteUntilError(&stream))));
  Close(std::move(stream));
}

Awaitable<void> Part(Stream stream) {
  EXPECT_TRUE((co_await stream.WaitReadable()).ok());
  EXPECT_TRUE((co_await stream.Write("bye\n")).ok());
  co_await stream.Linger();
}

// Writes `count` times without looking at what is said, as a client in the middle of a message does.
Awaitable<absl::Status> WriteBlindly(Stream* stream, int count) {
  for (int i = 0; i < count; ++i) {
    absl::Status status = co_await stream->Write(std::string(10'000, 'w'));
    if (!status.ok()) co_return status;
    co_await SleepFor(milliseconds(10));
  }
  co_return absl::OkStatus();
}

Awaitable<absl::StatusOr<std::string>> ReadAll(Stream* stream) {
  std::string all;
  char buffer[16];
  for (;;) {
    absl::StatusOr<size_t> n = co_await stream->ReadSome(buffer);
    if (!n.ok()) co_return n.status();
    if (*n == 0) co_return all;
    all.append(buffer, *n);
  }
}

TEST_P(StreamTest, LastWordsReachWhoIsWriting) {
  auto listener = Start(Part);
  Stream stream = Connect(*listener);
  absl::Status written = RunTask(executor(), WriteBlindly(&stream, 20));
  EXPECT_TRUE(written.ok()) << written;
  absl::StatusOr<std::string> said = RunTask(executor(), ReadAll(&stream));
  ASSERT_TRUE(said.ok()) << said.status();
  EXPECT_EQ(*said, "bye\n");
  Close(std::move(stream));
}

TEST_P(StreamTest, LingersForAWhileOnly) {
  auto listener = Start(Part);
  Stream stream = Connect(*listener);
  EXPECT_TRUE(absl::IsUnavailable(RunTask(executor(), WriteUntilError(&stream))));
  Close(std::move(stream));
}

Awaitable<absl::StatusOr<std::vector<std::string>>> ReadLines(Stream* stream, size_t count) {
  BufferedReader reader(*stream);
  std::vector<std::string> lines;
  while (lines.size() < count) {
    const size_t end = reader.data().find('\n');
    if (end != std::string_view::npos) {
      lines.emplace_back(reader.data().substr(0, end));
      reader.Consume(end + 1);
      continue;
    }
    absl::StatusOr<size_t> n = co_await reader.Fill();
    if (!n.ok()) co_return n.status();
    if (*n == 0) co_return absl::OutOfRangeError("end");
  }
  EXPECT_TRUE(reader.empty());
  reader.ReleaseIfEmpty();
  EXPECT_EQ(reader.capacity(), 0u);
  co_return lines;
}

Awaitable<void> SendLines(Stream stream) {
  std::mt19937 random(5);
  std::string text;
  for (int i = 0; i < 3000; ++i) text += std::string(random() % 300, 'l') + std::to_string(i) + "\n";
  text += std::string(60'000, 'L') + "\n";
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view piece = rest.substr(0, 1 + random() % 5000);
    absl::Status status = co_await stream.Write(piece);
    if (!status.ok()) co_return;  // the reader had enough, and says itself what it missed
    rest.remove_prefix(piece.size());
    if (random() % 20 == 0) co_await SleepFor(milliseconds(1));
  }
}

TEST_P(StreamTest, BufferedReaderReadsLines) {
  auto listener = Start(SendLines);
  Stream stream = Connect(*listener);
  absl::StatusOr<std::vector<std::string>> lines = RunTask(executor(), ReadLines(&stream, 3001));
  ASSERT_TRUE(lines.ok()) << lines.status();
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE((*lines)[i].ends_with(std::to_string(i))) << i;
  EXPECT_EQ(lines->back().size(), 60'000u);
  Close(std::move(stream));
}

Awaitable<absl::Status> FillOver(Stream* stream) {
  BufferedReader reader(*stream, 20'000);
  for (;;) {
    absl::StatusOr<size_t> n = co_await reader.Fill();
    if (!n.ok()) {
      EXPECT_EQ(reader.data().size(), 20'000u);
      EXPECT_LE(reader.capacity(), 20'000u);
      co_return n.status();
    }
  }
}

TEST_P(StreamTest, BufferedReaderIsBounded) {
  auto listener = Start(SendLines);
  Stream stream = Connect(*listener);
  EXPECT_EQ(RunTask(executor(), FillOver(&stream)).code(), absl::StatusCode::kResourceExhausted);
  Close(std::move(stream));
}

Awaitable<void> SendMuch(Stream stream) {
  const std::string octets(4 << 20, 'm');
  absl::Status status = co_await stream.Write(octets);
  EXPECT_TRUE(status.ok()) << status;
}

// Of the reader's buffers, while all is read; 0: not all came.
Awaitable<size_t> LargestCapacity(Stream* stream, size_t total) {
  BufferedReader reader(*stream, 256 * 1024);
  size_t largest = 0;
  for (size_t taken = 0; taken < total; reader.Consume(reader.data().size())) {
    absl::StatusOr<size_t> n = co_await reader.Fill();
    if (!n.ok() || *n == 0) co_return 0;
    taken += *n;
    largest = std::max(largest, reader.capacity());
  }
  co_return largest;
}

TEST_P(StreamTest, BufferedReaderReadsMuchInLargePieces) {
  auto listener = Start(SendMuch);
  Stream stream = Connect(*listener);
  EXPECT_EQ(RunTask(executor(), LargestCapacity(&stream, 4 << 20)), BufferedReader::kLargeCapacity);
  Close(std::move(stream));
}

TEST_P(StreamTest, AddressesAndOptions) {
  auto listener = Start(Silent);
  Stream stream = Connect(*listener);
  EXPECT_TRUE(stream.peer_address().ip().is_loopback());
  EXPECT_EQ(stream.peer_address().port(), listener->endpoint().port());
  EXPECT_NE(stream.local_address().port(), 0);
  int keepalive = 0;
  socklen_t size = sizeof(keepalive);
  getsockopt(stream.fd(), SOL_SOCKET, SO_KEEPALIVE, &keepalive, &size);
  EXPECT_EQ(keepalive, 1);
  Close(std::move(stream));
  EXPECT_EQ(stream.fd(), -1);
  EXPECT_FALSE(stream.is_open());
}

}  // namespace
}  // namespace mailmesh::net
