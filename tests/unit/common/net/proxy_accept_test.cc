// A listener for load balancers, over real sockets.
#include "common/net/proxy_accept.h"

#include <gtest/gtest.h>
#include <string.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "common/net/sleep.h"
#include "tests/unit/common/net/net_test_util.h"

namespace mailmesh::net {
namespace {

using namespace std::string_literals;

constexpr char kHeader[] = "PROXY TCP4 192.0.2.7 198.51.100.25 54321 25\r\n";
const std::string kLocal = "\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"s;

// Says who the client is, then repeats what it hears.
Awaitable<void> TellAndEcho(Stream stream) {
  const std::string told = stream.peer_address().ToString() + "\n";
  (void)co_await stream.Write(told);
  char octets[4096];
  for (;;) {
    const absl::StatusOr<size_t> read = co_await stream.ReadSome(octets);
    if (!read.ok() || *read == 0) co_return;
    const std::string_view heard(octets, *read);
    (void)co_await stream.Write(heard);
  }
}

Awaitable<absl::Status> WriteOn(Stream* stream, std::string octets) {
  stream->ExpiresAfter(seconds(10));
  co_return co_await stream->Write(octets);
}

class ProxyAcceptTest : public testing::Test {
 protected:
  ProxyAcceptTest() : pool_(2) {
    pool_.Start();
    ProxyOptions proxy;
    proxy.balancers = CidrSet::Loopback();
    proxy.header_timeout = seconds(10);
    proxy.on_rejected = [this](ProxyRejection reason, const SocketAddress& peer) {
      std::lock_guard lock(mutex_);
      ++rejected_[reason];
      EXPECT_TRUE(peer.is_local()) << peer.ToString();
    };
    proxy.on_check = [this] { ++checks_; };
    options_.proxy = std::move(proxy);
    options_.exempt_peers = CidrSet::Loopback();
    options_.refusal = [](RefusalReason reason) {
      return std::string(reason == RefusalReason::kMaxPerPeer ? "421 you again\n" : "421 full\n");
    };
  }

  void Start() { listener_ = Listen(pool_, TellAndEcho, options_); }
  Executor executor() { return pool_.at(0).get_executor(); }
  Stream Connect(std::string octets) {
    absl::StatusOr<Stream> stream = RunTask(executor(), Dial(listener_->endpoint()));
    EXPECT_TRUE(stream.ok()) << stream.status();
    Send(*stream, std::move(octets));
    return *std::move(stream);
  }
  void Send(Stream& stream, std::string octets) { (void)RunTask(executor(), WriteOn(&stream, std::move(octets))); }
  std::string Read(Stream& stream, size_t size) {
    stream.ExpiresAfter(seconds(10));
    absl::StatusOr<std::string> read = RunTask(executor(), ReadN(stream, size));
    return read.ok() ? *read : read.status().ToString();
  }
  // To the end, which must be one and no reset.
  std::string ReadToEnd(Stream& stream) {
    stream.ExpiresAfter(seconds(10));
    absl::StatusOr<std::string> read = RunTask(executor(), ReadAll(stream));
    return read.ok() ? *read : read.status().ToString();
  }
  bool EndsSilently(Stream& stream) {
    stream.ExpiresAfter(seconds(10));
    absl::StatusOr<std::string> read = RunTask(executor(), ReadAll(stream));
    return read.ok() ? read->empty() : absl::IsUnavailable(read.status());
  }
  void Close(Stream stream) { RunTask(executor(), CloseOn(std::move(stream))); }
  int rejected(ProxyRejection reason) {
    std::lock_guard lock(mutex_);
    return rejected_[reason];
  }
  template <typename Condition>
  void Eventually(Condition condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(milliseconds(5));
    EXPECT_TRUE(condition());
  }

  IoPool pool_;
  ListenerOptions options_;
  std::mutex mutex_;
  std::map<ProxyRejection, int> rejected_;
  std::atomic<int> checks_{0};
  std::unique_ptr<Listener> listener_;
};

constexpr char kTold[] = "192.0.2.7:54321\n";

TEST_F(ProxyAcceptTest, TheSessionSeesTheClientAndAllItsOctets) {
  Start();
  Stream one = Connect(kHeader + "hello"s);
  EXPECT_EQ(Read(one, strlen(kTold) + 5), kTold + "hello"s);
  Send(one, " again");
  EXPECT_EQ(Read(one, 6), " again");
  EXPECT_EQ(listener_->accepted(), 1u);
  EXPECT_EQ(listener_->sessions(), 1u);
  EXPECT_EQ(listener_->connections(), 1u);
  Close(std::move(one));
  Eventually([&] { return listener_->connections() == 0; });
}

TEST_F(ProxyAcceptTest, AHeaderMayComeInPieces) {
  Start();
  const std::string header = kHeader;
  Stream one = Connect(header.substr(0, 1));
  for (size_t i = 1; i < header.size(); i += 7) {
    std::this_thread::sleep_for(milliseconds(2));
    Send(one, header.substr(i, 7) + (i + 7 >= header.size() ? "first" : ""));
  }
  EXPECT_EQ(Read(one, strlen(kTold) + 5), kTold + "first"s);
  Close(std::move(one));
}

TEST_F(ProxyAcceptTest, WhoIsNoBalancerIsClosed) {
  options_.proxy->balancers = CidrSet();
  options_.proxy->balancers.Add(Cidr::Parse("192.0.2.0/24").value());
  Start();
  Stream one = Connect(kHeader);
  EXPECT_TRUE(EndsSilently(one));
  EXPECT_EQ(rejected(ProxyRejection::kUntrusted), 1);
  EXPECT_EQ(listener_->accepted(), 0u);
  Close(std::move(one));
}

TEST_F(ProxyAcceptTest, AnythingElseThanAHeaderIsClosedAndToldApart) {
  options_.proxy->header_timeout = milliseconds(300);
  Start();
  const std::vector<std::pair<std::string, ProxyRejection>> cases = {
      {"EHLO me\r\n", ProxyRejection::kMalformed},
      {"PROXY UNKNOWN\r\n", ProxyRejection::kNoAddress},
      {"PROXY TCP4 127.0.0.1 198.51.100.25 1 2\r\n", ProxyRejection::kBadSource},
      {"PROXY TCP4 192.0.2.7", ProxyRejection::kTimeout},
      {"", ProxyRejection::kTimeout},
  };
  for (const auto& [octets, reason] : cases) {
    const int before = rejected(reason);
    Stream one = Connect(octets);
    EXPECT_TRUE(EndsSilently(one)) << octets;
    Eventually([&] { return rejected(reason) == before + 1; });
    Close(std::move(one));
  }
  Close(Connect("PROXY TC"));
  Eventually([&] { return rejected(ProxyRejection::kClosed) == 1; });
  EXPECT_EQ(listener_->accepted(), 0u);
  EXPECT_EQ(listener_->refused(), 0u);
  Eventually([&] { return listener_->connections() == 0; });
}

TEST_F(ProxyAcceptTest, LimitsAreTheClients) {
  options_.max_sessions = 3;
  options_.max_sessions_per_peer = 1;
  Start();
  Stream one = Connect(kHeader);
  EXPECT_EQ(Read(one, strlen(kTold)), kTold);
  // The balancer is on loopback, which is exempt; its client is not.
  Stream again = Connect(kHeader + "EHLO me\r\n"s);
  EXPECT_EQ(ReadToEnd(again), "421 you again\n");
  Stream two = Connect("PROXY TCP4 192.0.2.8 198.51.100.25 1 25\r\n");
  Stream three = Connect("PROXY TCP4 192.0.2.9 198.51.100.25 1 25\r\n");
  EXPECT_EQ(Read(two, 9), "192.0.2.8");
  EXPECT_EQ(Read(three, 9), "192.0.2.9");
  Stream four = Connect("PROXY TCP4 192.0.2.10 198.51.100.25 1 25\r\nEHLO me\r\n");
  EXPECT_EQ(ReadToEnd(four), "421 full\n");
  EXPECT_EQ(listener_->refused(), 2u);
  EXPECT_EQ(listener_->accepted(), 3u);
  for (Stream* stream : {&one, &again, &two, &three, &four}) Close(std::move(*stream));
}

TEST_F(ProxyAcceptTest, ABalancersOwnConnectionIsServedAndCountsAsNoSession) {
  options_.max_sessions = 1;
  Start();
  Stream client = Connect(kHeader);
  EXPECT_EQ(Read(client, strlen(kTold)), kTold);
  Stream check = Connect(kLocal + "hello");
  // Nobody, and not the loopback address that it has come from.
  EXPECT_EQ(Read(check, 10), "0.0.0.0:0\n");
  EXPECT_EQ(checks_.load(), 1);
  EXPECT_EQ(listener_->sessions(), 1u);
  EXPECT_EQ(listener_->connections(), 2u);
  EXPECT_EQ(listener_->accepted(), 1u);
  for (Stream* stream : {&client, &check}) Close(std::move(*stream));
  Eventually([&] { return listener_->connections() == 0; });
}

TEST_F(ProxyAcceptTest, HeadersThatAreAwaitedAreBounded) {
  options_.max_sessions = 1;
  Start();
  Stream silent = Connect("PROXY");
  Eventually([&] { return listener_->connections() == 1; });
  Stream two = Connect(kHeader);
  EXPECT_TRUE(EndsSilently(two));
  EXPECT_EQ(rejected(ProxyRejection::kBusy), 1);
  for (Stream* stream : {&silent, &two}) Close(std::move(*stream));
}

// Whoever is told why it is refused, and does not go, keeps no place of those whose header is awaited.
TEST_F(ProxyAcceptTest, RefusedClientsTakeNoPlaceOfOthers) {
  options_.max_sessions = 2;
  Start();
  Stream one = Connect(kHeader);
  Stream two = Connect(kHeader);
  for (Stream* served : {&one, &two}) EXPECT_EQ(Read(*served, strlen(kTold)), kTold);
  std::vector<Stream> refused;
  // More than may stay.
  for (int i = 0; i < 80; ++i) {
    refused.push_back(Connect(kHeader));
    EXPECT_EQ(Read(refused.back(), 9), "421 full\n") << i;
  }
  EXPECT_EQ(rejected(ProxyRejection::kBusy), 0);
  Eventually([&] { return listener_->connections() <= 2u + 64u; });
  for (Stream& stream : refused) Close(std::move(stream));
  for (Stream* served : {&one, &two}) Close(std::move(*served));
  Eventually([&] { return listener_->connections() == 0; });
}

// Stop() hands nothing out that was not taken; what was taken becomes a session.
TEST_F(ProxyAcceptTest, AHeaderThatComesAfterTheStopIsServed) {
  Start();
  Stream one = Connect("PROXY ");
  Eventually([&] { return listener_->connections() == 1; });
  listener_->Stop();
  EXPECT_EQ(listener_->connections(), 1u);
  Send(one, std::string(kHeader).substr(6));
  EXPECT_EQ(Read(one, strlen(kTold)), kTold);
  Close(std::move(one));
  Eventually([&] { return listener_->connections() == 0; });
}

}  // namespace
}  // namespace mailmesh::net
