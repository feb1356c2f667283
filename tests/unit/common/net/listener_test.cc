#include "common/net/listener.h"

#include <gtest/gtest.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/post.hpp>
#include <set>
#include <thread>

#include "common/net/sleep.h"
#include "common/net/unix_path.h"
#include "tests/unit/common/net/net_test_util.h"

namespace mailmesh::net {
namespace {

Awaitable<void> GreetAndStay(Stream stream) {
  (void)co_await stream.Write("hi\n");
  (void)co_await stream.WaitReadable();
}

Awaitable<absl::StatusOr<std::string>> FirstLine(Stream* stream) {
  stream->ExpiresAfter(seconds(10));
  std::string line;
  char octet[1];
  for (;;) {
    absl::StatusOr<size_t> n = co_await stream->ReadSome(octet);
    if (!n.ok()) co_return n.status();
    if (*n == 0 || octet[0] == '\n') co_return line;
    line += octet[0];
  }
}

class ListenerTest : public testing::Test {
 protected:
  ListenerTest() : pool_(2) { pool_.Start(); }
  Executor executor() { return pool_.at(0).get_executor(); }
  Stream Connect(const Endpoint& endpoint) {
    absl::StatusOr<Stream> stream = RunTask(executor(), Dial(endpoint));
    EXPECT_TRUE(stream.ok()) << stream.status();
    return *std::move(stream);
  }
  std::string Line(Stream& stream) {
    absl::StatusOr<std::string> line = RunTask(executor(), FirstLine(&stream));
    return line.ok() ? *line : line.status().ToString();
  }
  void Close(Stream stream) { RunTask(executor(), CloseOn(std::move(stream))); }
  template <typename Condition>
  void Eventually(Condition condition) {
    for (int i = 0; i < 1000 && !condition(); ++i) std::this_thread::sleep_for(milliseconds(5));
    EXPECT_TRUE(condition());
  }

  IoPool pool_;
};

TEST_F(ListenerTest, LimitsSessionsAndSaysWhy) {
  ListenerOptions options;
  options.max_sessions = 2;
  options.refusal = [](RefusalReason reason) {
    return std::string(reason == RefusalReason::kMaxSessions ? "421 full\n" : "421 you again\n");
  };
  auto listener = Listen(pool_, GreetAndStay, options);
  Stream one = Connect(listener->endpoint());
  Stream two = Connect(listener->endpoint());
  EXPECT_EQ(Line(one), "hi");
  EXPECT_EQ(Line(two), "hi");
  Stream three = Connect(listener->endpoint());
  EXPECT_EQ(Line(three), "421 full");
  EXPECT_EQ(listener->sessions(), 2u);
  EXPECT_EQ(listener->refused(), 1u);
  Close(std::move(one));
  Eventually([&] { return listener->sessions() == 1; });
  Stream four = Connect(listener->endpoint());
  EXPECT_EQ(Line(four), "hi");
  for (Stream* stream : {&two, &three, &four}) Close(std::move(*stream));
}

TEST_F(ListenerTest, LimitsEachPeer) {
  ListenerOptions options;
  options.max_sessions_per_peer = 1;
  options.refusal = [](RefusalReason reason) {
    return std::string(reason == RefusalReason::kMaxPerPeer ? "421 you again\n" : "421 full\n");
  };
  auto listener = Listen(pool_, GreetAndStay, options);
  Stream one = Connect(listener->endpoint());
  EXPECT_EQ(Line(one), "hi");
  Stream two = Connect(listener->endpoint());
  EXPECT_EQ(Line(two), "421 you again");
  // Another peer.
  ConnectOptions from;
  from.local_v4 = IpAddress::Parse("127.0.0.77").value();
  absl::StatusOr<Stream> three = RunTask(executor(), ConnectEndpoint(listener->endpoint(), from));
  ASSERT_TRUE(three.ok()) << three.status();
  EXPECT_EQ(three->local_address().ip().ToString(), "127.0.0.77");
  EXPECT_EQ(Line(*three), "hi");
  for (Stream* stream : {&one, &two, &*three}) Close(std::move(*stream));

  options.exempt_peers = CidrSet::Loopback();
  auto lenient = Listen(pool_, GreetAndStay, options);
  Stream four = Connect(lenient->endpoint());
  Stream five = Connect(lenient->endpoint());
  EXPECT_EQ(Line(four), "hi");
  EXPECT_EQ(Line(five), "hi");
  for (Stream* stream : {&four, &five}) Close(std::move(*stream));
}

TEST_F(ListenerTest, StopKeepsSessions) {
  auto listener = Listen(pool_, GreetAndStay);
  Stream one = Connect(listener->endpoint());
  EXPECT_EQ(Line(one), "hi");
  const Endpoint endpoint = listener->endpoint();
  listener->Stop();
  listener->Stop();
  EXPECT_TRUE(absl::IsUnavailable(RunTask(executor(), Dial(endpoint)).status()));
  EXPECT_EQ(listener->sessions(), 1u);
  listener.reset();
  EXPECT_TRUE(one.is_open());
  Close(std::move(one));
}

// Closing a listening socket resets whoever waits in its queue: they are taken first.
TEST_F(ListenerTest, StopCutsNobodyInTheQueue) {
  std::vector<Stream> clients;
  {
    // Its thread is kept busy, so that the queue fills.
    auto listener = Listen(pool_, GreetAndStay);
    asio::post(pool_.at(0), [] { std::this_thread::sleep_for(milliseconds(300)); });
    asio::post(pool_.at(1), [] { std::this_thread::sleep_for(milliseconds(300)); });
    IoPool dialling(1);
    dialling.Start();
    for (int i = 0; i < 40; ++i) {
      absl::StatusOr<Stream> stream = RunTask(dialling.at(0).get_executor(), Dial(listener->endpoint()));
      ASSERT_TRUE(stream.ok()) << stream.status();
      clients.emplace_back(executor(), dup(stream->fd()));
      RunTask(dialling.at(0).get_executor(), CloseOn(*std::move(stream)));
    }
    listener->Stop();
    for (Stream& client : clients) EXPECT_EQ(Line(client), "hi");
    for (Stream& client : clients) Close(std::move(client));
    Eventually([&] { return listener->connections() == 0; });
  }
}

TEST_F(ListenerTest, SurvivesHavingNoDescriptors) {
  std::atomic<int> errors{0};
  ListenerOptions options;
  options.on_error = [&](const absl::Status&) { ++errors; };
  auto listener = Listen(pool_, GreetAndStay, options);
  // All descriptors but one are taken: the client gets it, the server has none.
  rlimit old_limit;
  getrlimit(RLIMIT_NOFILE, &old_limit);
  rlimit limit = old_limit;
  limit.rlim_cur = 64;
  setrlimit(RLIMIT_NOFILE, &limit);
  std::vector<int> hoard;
  for (int fd; (fd = dup(0)) >= 0;) hoard.push_back(fd);
  ASSERT_FALSE(hoard.empty());
  close(hoard.back());
  hoard.pop_back();
  Stream stream = Connect(listener->endpoint());
  Eventually([&] { return errors > 0; });
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_LT(errors, 10) << "it must not spin";
  for (int fd : hoard) close(fd);
  setrlimit(RLIMIT_NOFILE, &old_limit);
  EXPECT_EQ(Line(stream), "hi") << "and goes on";
  Close(std::move(stream));
}

TEST_F(ListenerTest, UnixSocketWithALongPath) {
  TempFolder folder;
  std::string deep = folder.path();
  while (deep.size() < 200) deep += "/a-rather-long-folder-name";
  std::filesystem::create_directories(deep);
  const Endpoint endpoint = Endpoint::Unix(deep + "/run/lmtp.sock");
  {
    auto listener = Listener::Start(ListenSocket::Bind(endpoint).value(), {}, pool_, GreetAndStay);
    struct stat info;
    ASSERT_EQ(stat((deep + "/run").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
    ASSERT_EQ(stat(endpoint.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    EXPECT_EQ(listener->endpoint(), endpoint);
    Stream stream = Connect(endpoint);
    EXPECT_EQ(Line(stream), "hi");
    EXPECT_TRUE(stream.peer_address().is_unix());
    EXPECT_TRUE(stream.peer_address().is_local());
    Close(std::move(stream));
    EXPECT_TRUE(absl::IsAlreadyExists(ListenSocket::Bind(endpoint).status())) << "somebody listens there";
  }
  EXPECT_FALSE(std::filesystem::exists(endpoint.path()));
}

TEST_F(ListenerTest, UnixSocketLeftByTheDead) {
  TempFolder folder;
  const Endpoint endpoint = Endpoint::Unix(folder / "x.sock");
  close(ListenSocket::Bind(endpoint)->Release());
  ASSERT_TRUE(std::filesystem::exists(endpoint.path()));
  absl::StatusOr<ListenSocket> again = ListenSocket::Bind(endpoint);
  EXPECT_TRUE(again.ok()) << again.status();
  std::ofstream(folder / "file") << "precious";
  EXPECT_TRUE(absl::IsAlreadyExists(ListenSocket::Bind(Endpoint::Unix(folder / "file")).status()));
  EXPECT_TRUE(std::filesystem::exists(folder / "file"));
}

TEST_F(ListenerTest, BothFamiliesOnTheUnspecifiedAddress) {
  absl::StatusOr<ListenSocket> socket = ListenSocket::Bind(*Endpoint::Parse("[::]:0"));
  if (!socket.ok()) GTEST_SKIP() << "no IPv6 here: " << socket.status();
  const uint16_t port = socket->endpoint().port();
  auto listener = Listener::Start(*std::move(socket), {}, pool_, GreetAndStay);
  for (const char* host : {"127.0.0.1", "::1"}) {
    Stream stream = Connect(Endpoint::Tcp(host, port));
    EXPECT_EQ(Line(stream), "hi");
    Close(std::move(stream));
  }
}

TEST_F(ListenerTest, ConnectErrors) {
  const Endpoint closed = ListenSocket::Bind(*Endpoint::Parse("127.0.0.1:0"))->endpoint();
  EXPECT_TRUE(absl::IsUnavailable(RunTask(executor(), Dial(closed)).status()));
  EXPECT_TRUE(absl::IsUnavailable(RunTask(executor(), Dial(Endpoint::Unix("/nowhere/at/all"))).status()));
  EXPECT_TRUE(absl::IsUnavailable(RunTask(executor(), ConnectAny({}, {})).status()));
  // A queue that is full answers nobody.
  const int full = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_storage storage;
  socklen_t size = SocketAddress(IpAddress::LoopbackV4(), 0).ToNative(&storage);
  ASSERT_EQ(bind(full, reinterpret_cast<sockaddr*>(&storage), size), 0);
  ASSERT_EQ(listen(full, 0), 0);
  ASSERT_EQ(getsockname(full, reinterpret_cast<sockaddr*>(&storage), &size), 0);
  SocketAddress address = SocketAddress::FromNative(reinterpret_cast<sockaddr*>(&storage), size);
  ConnectOptions hasty;
  hasty.per_address = milliseconds(50);
  std::vector<Stream> waiting;
  absl::Status status;
  for (int i = 0; i < 5 && status.ok(); ++i) {
    absl::StatusOr<Stream> stream = RunTask(executor(), net::Connect(address, hasty));
    status = stream.status();
    if (stream.ok()) waiting.push_back(*std::move(stream));
  }
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  // The next address gets its chance.
  auto listener = Listen(pool_, GreetAndStay);
  SocketAddress good(IpAddress::LoopbackV4(), listener->endpoint().port());
  absl::StatusOr<Stream> second = RunTask(executor(), ConnectAny({address, good}, hasty));
  EXPECT_TRUE(second.ok()) << second.status();
  if (second.ok()) Close(*std::move(second));
  for (Stream& stream : waiting) Close(std::move(stream));
  close(full);
}

TEST_F(ListenerTest, ConnectByName) {
  addrinfo* known = nullptr;
  if (getaddrinfo("localhost", nullptr, nullptr, &known) != 0) GTEST_SKIP() << "localhost is not known here (a bare root)";
  freeaddrinfo(known);
  auto listener = Listen(pool_, GreetAndStay);
  Stream stream = Connect(Endpoint::Tcp("localhost", listener->endpoint().port()));
  EXPECT_EQ(Line(stream), "hi");
  Close(std::move(stream));
  absl::StatusOr<Stream> nobody = RunTask(executor(), Dial(Endpoint::Tcp("no-such-host.invalid", 25)));
  EXPECT_FALSE(nobody.ok());
}

// --- Inherited sockets -------------------------------------------------------------------------------------------

struct Child {
  pid_t pid;
  int input;  // the child ends when this is closed
  int End() {
    close(input);
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
  }
};

Child StartHelper(int mx, int other) {
  char self[4096];
  const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
  self[n] = '\0';
  const std::string helper = (std::filesystem::path(self).parent_path() / "net_inherit_helper").string();
  int pipe_fds[2];
  EXPECT_EQ(pipe(pipe_fds), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    // As a supervisor: descriptors from 3 on, by way of high ones so that none overwrites another.
    const int high_mx = fcntl(mx, F_DUPFD, 100);
    const int high_other = fcntl(other, F_DUPFD, 100);
    dup2(pipe_fds[0], 0);
    dup2(high_mx, 3);
    dup2(high_other, 4);
    for (int fd = 5; fd < 200; ++fd) close(fd);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_FDNAMES", "mx:other", 1);
    execl(helper.c_str(), helper.c_str(), nullptr);
    _exit(127);
  }
  close(pipe_fds[0]);
  return Child{pid, pipe_fds[1]};
}

TEST_F(ListenerTest, InheritedSocketOutlivesTheProcessBehindIt) {
  ListenSocket mx = ListenSocket::Bind(*Endpoint::Parse("127.0.0.1:0")).value();
  ListenSocket other = ListenSocket::Bind(*Endpoint::Parse("127.0.0.1:0")).value();
  Child first = StartHelper(mx.fd(), other.fd());
  Stream one = Connect(mx.endpoint());
  EXPECT_EQ(Line(one), std::to_string(first.pid));
  EXPECT_EQ(first.End(), 0);

  // Nobody is behind the port: the caller is not refused but waits for the next process.
  Stream waiting = Connect(mx.endpoint());
  Child second = StartHelper(mx.fd(), other.fd());
  EXPECT_EQ(Line(waiting), std::to_string(second.pid));
  // A replica shares the port.
  Child replica = StartHelper(mx.fd(), other.fd());
  std::set<std::string> served;
  for (const TimePoint end = After(seconds(30)); served.size() < 2 && Clock::now() < end;) {
    Stream stream = Connect(mx.endpoint());
    served.insert(Line(stream));
    Close(std::move(stream));
  }
  EXPECT_EQ(served, (std::set<std::string>{std::to_string(second.pid), std::to_string(replica.pid)}));
  EXPECT_EQ(second.End(), 0);
  EXPECT_EQ(replica.End(), 0);
  for (Stream* stream : {&one, &waiting}) Close(std::move(*stream));
}

TEST(InheritedSocketsTest, NotForUs) {
  setenv("LISTEN_FDS", "1", 1);
  setenv("LISTEN_PID", "1", 1);
  absl::StatusOr<InheritedSockets> none = InheritedSockets::FromEnvironment();
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->names().empty());
  EXPECT_EQ(getenv("LISTEN_FDS"), nullptr);
  setenv("LISTEN_FDS", "1x", 1);
  EXPECT_TRUE(absl::IsInvalidArgument(InheritedSockets::FromEnvironment().status()));
}

TEST(UnixPathTest, TooLongANameIsAnError) {
  TempFolder folder;
  EXPECT_TRUE(absl::IsInvalidArgument(UnixPath::Open(folder / std::string(120, 'x')).status()));
  EXPECT_TRUE(absl::IsNotFound(UnixPath::Open("/nowhere/" + std::string(120, 'x') + "/y").status()));
  EXPECT_EQ(UnixPath::Open("/short")->path(), "/short");
}

}  // namespace
}  // namespace mailmesh::net
