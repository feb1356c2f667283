// What an idle connection costs: the server's side of 1,000 of them, in a process of its own.
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "common/net/buffered_reader.h"
#include "tests/unit/common/net/net_test_util.h"

namespace mailmesh::net {
namespace {

constexpr int kConnections = 1000;

// Shaped like a session: greets, answers one command, then waits for the next one.
Awaitable<void> IdleSession(Stream stream, std::shared_ptr<TlsServerContext> tls) {
  stream.ExpiresAfter(seconds(600));
  if (tls != nullptr) {
    absl::Status status = co_await stream.StartTlsServer(tls);
    if (!status.ok()) co_return;
  }
  BufferedReader reader(stream);
  for (;;) {
    absl::StatusOr<WaitResult> result = co_await reader.WaitReadable();
    if (!result.ok()) co_return;
    absl::StatusOr<size_t> n = co_await reader.Fill();
    if (!n.ok() || *n == 0) co_return;
    reader.Consume(*n);
    absl::Status status = co_await stream.Write("* OK\r\n");
    if (!status.ok()) co_return;
  }
}

Awaitable<absl::Status> OneCommand(Stream* stream) {
  absl::Status status = co_await stream->Write("NOOP\r\n");
  if (!status.ok()) co_return status;
  absl::StatusOr<std::string> reply = co_await ReadN(*stream, 6);
  co_return reply.status();
}

size_t InUse() {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// The child is the server: its own heap is measured. It writes one number per request.
[[noreturn]] void ServerProcess(int requests, int reports, const TlsKeyPairFiles* files) {
  IoPool pool(1);
  std::shared_ptr<TlsServerContext> tls;
  if (files != nullptr) tls = TlsServerContext::Create({.key_pairs = {*files}}).value();
  auto listener = Listen(pool, [tls](Stream stream) { return IdleSession(std::move(stream), tls); });
  pool.Start();
  const size_t port = listener->endpoint().port();
  (void)!write(reports, &port, sizeof(port));
  char octet;
  while (read(requests, &octet, 1) == 1) {
    const size_t used = InUse();
    (void)!write(reports, &used, sizeof(used));
  }
  _exit(0);
}

double BytesPerConnection(const TlsKeyPairFiles* files, std::shared_ptr<const TlsClientContext> client_tls) {
  int requests[2];
  int reports[2];
  EXPECT_EQ(pipe(requests) + pipe(reports), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    close(requests[1]);
    ServerProcess(requests[0], reports[1], files);
  }
  close(requests[0]);
  size_t port = 0;
  (void)!read(reports[0], &port, sizeof(port));
  auto measure = [&] {
    size_t used = 0;
    (void)!write(requests[1], "x", 1);
    (void)!read(reports[0], &used, sizeof(used));
    return used;
  };

  IoPool pool(1);
  pool.Start();
  Executor executor = pool.at(0).get_executor();
  const Endpoint endpoint = Endpoint::Tcp("127.0.0.1", static_cast<uint16_t>(port));
  std::vector<Stream> streams;
  auto add = [&] {
    absl::StatusOr<Stream> stream = client_tls == nullptr
                                        ? RunTask(executor, Dial(endpoint))
                                        : RunTask(executor, DialTls(endpoint, client_tls, TlsPeer{"localhost"}));
    ASSERT_TRUE(stream.ok()) << stream.status();
    absl::Status status = RunTask(executor, OneCommand(&*stream));
    ASSERT_TRUE(status.ok()) << status;
    streams.push_back(*std::move(stream));
  };
  for (int i = 0; i < 20; ++i) add();  // what is made once
  const size_t before = measure();
  for (int i = 0; i < kConnections; ++i) add();
  const size_t after = measure();
  for (Stream& stream : streams) RunTask(executor, CloseOn(std::move(stream)));
  close(requests[1]);
  waitpid(pid, nullptr, 0);
  return static_cast<double>(after - before) / kConnections;
}

TEST(IdleMemoryTest, PlainConnection) {
  const double bytes = BytesPerConnection(nullptr, nullptr);
  std::printf("idle plain connection: %.1f KiB\n", bytes / 1024);
  EXPECT_LT(bytes, 6 * 1024);
}

TEST(IdleMemoryTest, TlsConnection) {
  TestPki pki;
  TlsKeyPairFiles files = pki.Issue("localhost", "server");
  const double bytes = BytesPerConnection(&files, pki.Client());
  std::printf("idle TLS connection: %.1f KiB\n", bytes / 1024);
  EXPECT_LT(bytes, 24 * 1024);
}

}  // namespace
}  // namespace mailmesh::net
