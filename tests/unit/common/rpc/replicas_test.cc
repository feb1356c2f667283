// Round robin over replicas that come, go and fall ill, by a name whose addresses change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/rpc/access_table.h"
#include "common/rpc/client_call.h"
#include "common/rpc/replica_picker.h"
#include "dns_responder.h"
#include "echo_service.h"
#include "test_pki.h"

#ifdef __SANITIZE_ADDRESS__
// c-ares keeps what gRPC's resolver gave it until gRPC shuts down, which it never does (common/rpc/grpc_process.h).
extern "C" const char* __lsan_default_suppressions() { return "leak:libcares"; }
#endif

namespace mailmesh::rpc {
namespace {

constexpr DnsResponder::Address kFirst = {127, 0, 0, 1};
constexpr DnsResponder::Address kSecond = {127, 0, 0, 2};

// A server of EchoService that counts what it is asked.
class Replica {
 public:
  Replica(const TlsFiles& files, const std::string& endpoint, absl::Duration max_age = absl::InfiniteDuration()) {
    ServerOptions options;
    options.endpoint = endpoint;
    options.tls = files;
    options.max_connection_age = max_age;
    options.connection_grace = absl::Seconds(1);
    server_ = Server::Start(options, {&service_}).value();
    server_->SetServing(true);
  }
  ~Replica() { server_->Shutdown(absl::Now() + absl::Seconds(5)); }

  Server& server() { return *server_; }
  int asked() const { return service_.asked(); }
  // What it answers from now on.
  void set_answer(absl::Status answer) { service_.set_answer(std::move(answer)); }

 private:
  // Echo, and how often.
  class Counting final : public rpctest::v1::EchoService::CallbackService {
   public:
    grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const EchoRequest*, EchoResponse*) override {
      ++asked_;
      absl::MutexLock lock(&mutex_);
      return AnswerUnary(context, answer_);
    }
    int asked() const { return asked_; }
    void set_answer(absl::Status answer) {
      absl::MutexLock lock(&mutex_);
      answer_ = std::move(answer);
    }

   private:
    std::atomic<int> asked_{0};
    absl::Mutex mutex_;
    absl::Status answer_ ABSL_GUARDED_BY(mutex_);
  };

  Counting service_;
  std::unique_ptr<Server> server_;
};

class ReplicasTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { AllowForTest("mailmesh.rpctest.v1.EchoService/Echo"); }

  void StartFirst(absl::Duration max_age = absl::InfiniteDuration()) {
    first_ = std::make_unique<Replica>(server_files_, "127.0.0.1:0", max_age);
    const std::string& endpoint = first_->server().endpoint();
    port_ = endpoint.substr(endpoint.rfind(':'));
    ChannelOptions& options = options_;
    options.endpoint = "dns://127.0.0.1:" + std::to_string(dns_.port()) + "/replicas.test" + port_;
    options.role = "directory";
    options.tls = pki_.Issue(folder_.path() + "/client", {RoleUri("imap_gateway")});
    channel_ = MakeChannel(options).value();
    stub_ = rpctest::v1::EchoService::NewStub(channel_);
  }
  void StartSecond() { second_ = std::make_unique<Replica>(server_files_, "127.0.0.2" + port_); }

  absl::Status Call() {
    EchoRequest request;
    return io_.Run(UnaryCall(stub_->async(), &EchoAsync::Echo, request, CallContext::Within(absl::Seconds(10)))).status();
  }
  // Calls until `condition` holds; false after 60 s, or when a call failed.
  template <class Condition>
  bool CallUntil(Condition condition) {
    for (const absl::Time end = absl::Now() + absl::Seconds(60); absl::Now() < end;) {
      const absl::Status status = Call();
      EXPECT_TRUE(status.ok()) << status;
      if (!status.ok()) return false;
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  Pki pki_;
  TempFolder folder_;
  TlsFiles server_files_ = pki_.Issue(folder_.path() + "/server", {RoleUri("directory")});
  DnsResponder dns_;
  IoThread io_;
  std::string port_;
  std::unique_ptr<Replica> first_;
  std::unique_ptr<Replica> second_;
  ChannelOptions options_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<EchoStub> stub_;
};

TEST_F(ReplicasTest, AConnectionsAgeFindsANewReplicaAndNoCallFails) {
  dns_.Set({kFirst});
  StartFirst(absl::Seconds(1));
  ASSERT_TRUE(Call().ok());
  StartSecond();
  dns_.Set({kFirst, kSecond});
  EXPECT_TRUE(CallUntil([&] { return second_->asked() > 0; }));
  const int before = first_->asked();
  EXPECT_TRUE(CallUntil([&] { return second_->asked() > 10 && first_->asked() > before; })) << "not in turns";
}

TEST_F(ReplicasTest, AReplicaThatIsNotServingIsNotAsked) {
  dns_.Set({kFirst, kSecond});
  StartFirst();
  StartSecond();
  ASSERT_TRUE(CallUntil([&] { return first_->asked() > 0 && second_->asked() > 0; }));
  second_->server().SetServing(false);
  // The client hears of it by its health stream.
  int asked = -1;
  int without = 0;  // calls in a row that the other one had
  EXPECT_TRUE(CallUntil([&] {
    const int now = second_->asked();
    without = std::exchange(asked, now) == now ? without + 1 : 0;
    return without > 10;
  }));
  asked = second_->asked();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Call().ok());
  EXPECT_EQ(second_->asked(), asked);
  second_->server().SetServing(true);
  EXPECT_TRUE(CallUntil([&] { return second_->asked() > asked; }));
}

TEST(ReplicaPicker, PeersBecomeEndpoints) {
  EXPECT_EQ(rpc_internal::EndpointOfPeer("ipv4:192.0.2.1:4000"), "192.0.2.1:4000");
  EXPECT_EQ(rpc_internal::EndpointOfPeer("ipv6:%5B2001:db8::1%5D:4000"), "[2001:db8::1]:4000");
  EXPECT_EQ(rpc_internal::EndpointOfPeer("ipv6:[2001:db8::1]:4000"), "[2001:db8::1]:4000");
  EXPECT_EQ(rpc_internal::EndpointOfPeer("unix:/run/a%20b%2.sock%"), "unix:/run/a b%2.sock%");
  EXPECT_EQ(rpc_internal::EndpointOfPeer("unix-abstract:x"), std::nullopt);
  EXPECT_EQ(rpc_internal::EndpointOfPeer("unknown"), std::nullopt);
}

TEST_F(ReplicasTest, WhatIsPickedIsOneReplicaAndStaysIt) {
  dns_.Set({kFirst, kSecond});
  StartFirst();
  StartSecond();
  ReplicaPicker picker(channel_, [this](const std::string& endpoint) {
    ChannelOptions options = options_;
    options.endpoint = endpoint;
    return MakeChannel(options).value();
  });
  const auto call = [this](grpc::Channel& channel) {
    auto stub = rpctest::v1::EchoService::NewStub(std::shared_ptr<grpc::Channel>(&channel, [](grpc::Channel*) {}));
    EchoRequest request;
    return io_.Run(UnaryCall(stub->async(), &EchoAsync::Echo, request, CallContext::Within(absl::Seconds(10)))).status();
  };
  std::shared_ptr<grpc::Channel> of_second;
  int picks_of_first = 0;
  for (const absl::Time end = absl::Now() + absl::Seconds(60); absl::Now() < end && (!of_second || picks_of_first == 0);) {
    auto picked = io_.Run(picker.Pick(CallContext::Within(absl::Seconds(10))));
    ASSERT_TRUE(picked.ok()) << picked.status();
    const int first = first_->asked();
    const int second = second_->asked();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(call(**picked).ok());
    ASSERT_TRUE(first_->asked() - first == 10 || second_->asked() - second == 10) << "a pick is one replica";
    if (second_->asked() > second) of_second = *picked;
    picks_of_first += first_->asked() > first;
  }
  ASSERT_TRUE(of_second != nullptr && picks_of_first > 0) << "both are picked, in turns";
  // Gone, it is not replaced by the other one.
  second_.reset();
  const int first = first_->asked();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(call(*of_second).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(first_->asked(), first);
  // And it is not picked any more.
  for (int i = 0; i < 20; ++i) {
    auto picked = io_.Run(picker.Pick(CallContext::Within(absl::Seconds(10))));
    ASSERT_TRUE(picked.ok()) << picked.status();
    if (*picked == of_second) continue;  // of the last 100 ms
    ASSERT_TRUE(call(**picked).ok());
  }
  EXPECT_GT(first_->asked(), first);
}

TEST_F(ReplicasTest, TheChannelToAReplicaThatIsNotPickedAnyMoreIsLetGoOf) {
  dns_.Set({kFirst, kSecond});
  StartFirst();
  StartSecond();
  std::map<std::string, std::weak_ptr<grpc::Channel>> channels;
  int made = 0;
  ReplicaPicker picker(
      channel_,
      [&](const std::string& endpoint) {
        ChannelOptions options = options_;
        options.endpoint = endpoint;
        std::shared_ptr<grpc::Channel> channel = MakeChannel(options).value();
        channels[endpoint] = channel;
        ++made;
        return channel;
      },
      /*one_process=*/false, /*keep_unpicked=*/absl::Seconds(2));
  const auto pick_until = [&](const std::function<bool()>& condition) {
    for (const absl::Time end = absl::Now() + absl::Seconds(60); absl::Now() < end && !condition();) {
      EXPECT_TRUE(io_.Run(picker.Pick(CallContext::Within(absl::Seconds(10)))).ok());
      absl::SleepFor(absl::Milliseconds(30));
    }
    return condition();
  };
  ASSERT_TRUE(pick_until([&] { return channels.size() == 2; }));
  second_->server().SetServing(false);
  second_.reset();
  EXPECT_TRUE(pick_until([&] { return channels["127.0.0.2" + port_].expired(); }));
  EXPECT_FALSE(channels["127.0.0.1" + port_].expired());
  EXPECT_EQ(made, 2) << "made once each while they are picked";
}

asio::awaitable<absl::StatusOr<EchoResponse>> EchoAt(std::shared_ptr<grpc::Channel> channel, CallContext context) {
  auto stub = rpctest::v1::EchoService::NewStub(channel);
  EchoRequest request;
  co_return co_await UnaryCall(stub->async(), &EchoAsync::Echo, request, context);
}

TEST_F(ReplicasTest, WhatAClosingReplicaRefusesIsCalledElsewhere) {
  dns_.Set({kFirst, kSecond});
  StartFirst();
  StartSecond();
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels;
  ReplicaPicker picker(channel_, [&](const std::string& endpoint) {
    std::shared_ptr<grpc::Channel>& channel = channels[endpoint];
    ChannelOptions options = options_;
    options.endpoint = endpoint;
    if (channel == nullptr) channel = MakeChannel(options).value();
    return channel;
  });
  RetryPolicy policy;
  policy.max_attempts = 30;
  const auto call = [&] {
    return io_.Run(picker.CallOne<EchoResponse>(policy, CallContext::Within(absl::Seconds(20)), EchoAt)).status();
  };
  // Its health has not been noticed yet: it is picked, and refuses.
  const absl::Status closing = MakeError(absl::StatusCode::kUnavailable, type::v1::ERROR_REASON_SHUTTING_DOWN, "closing");
  second_->set_answer(closing);
  int calls = 0;
  for (const absl::Time end = absl::Now() + absl::Seconds(60); second_->asked() == 0 && absl::Now() < end; ++calls) {
    const absl::Status status = call();
    ASSERT_TRUE(status.ok()) << status;
    absl::SleepFor(absl::Milliseconds(30));
  }
  EXPECT_GT(second_->asked(), 0) << "never picked";
  EXPECT_EQ(first_->asked(), calls);

  // What may have been done there is repeated there, and nowhere else: also when it refuses later.
  second_->set_answer(absl::UnavailableError("lost"));
  policy.max_attempts = 3;
  const int asked = second_->asked();
  for (const absl::Time end = absl::Now() + absl::Seconds(60); second_->asked() == asked && absl::Now() < end;) {
    const int first = first_->asked();
    const absl::Status status = call();
    ASSERT_EQ(first_->asked() - first, status.ok() ? 1 : 0);
    absl::SleepFor(absl::Milliseconds(30));
  }
  EXPECT_EQ(second_->asked(), asked + policy.max_attempts);

  // A call for which there was no connection has not left: another one takes it.
  second_.reset();
  for (int i = 0; i < 50; ++i) {
    const absl::Status status = call();
    ASSERT_TRUE(status.ok()) << status;
  }
}

TEST_F(ReplicasTest, ACallThatNeverLeftIsToldFromOneThatDid) {
  StartFirst();
  const auto call = [this](const std::string& endpoint) {
    ChannelOptions options = options_;
    options.endpoint = endpoint;
    auto channel = MakeChannel(options).value();
    return io_.Run(EchoAt(channel, CallContext::Within(absl::Seconds(10)))).status();
  };
  first_->set_answer(absl::UnavailableError("lost"));
  const std::string endpoint = first_->server().endpoint();
  EXPECT_FALSE(NothingCameOf(call(endpoint)));
  first_.reset();
  const absl::Status refused = call(endpoint);
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(NothingCameOf(refused)) << refused;
}

TEST_F(ReplicasTest, ListedAddressesAreAskedInTurnsAndPickedOneByOne) {
  dns_.Set({kFirst});
  StartFirst();
  StartSecond();
  const std::string unix_first = "unix:" + folder_.path() + "/first.sock";
  const std::string unix_second = "unix:" + folder_.path() + "/second.sock";
  const std::vector<std::pair<std::string, std::string>> lists = {{"127.0.0.1" + port_, "127.0.0.2" + port_},
                                                                  {unix_first, unix_second}};
  for (const auto& [one, two] : lists) {
    SCOPED_TRACE(one);
    if (one == unix_first) {
      first_ = std::make_unique<Replica>(server_files_, unix_first);
      second_ = std::make_unique<Replica>(server_files_, unix_second);
    }
    options_.endpoint = one + "," + two;
    EXPECT_FALSE(IsOneProcess(options_.endpoint));
    channel_ = MakeChannel(options_).value();
    stub_ = rpctest::v1::EchoService::NewStub(channel_);
    EXPECT_TRUE(CallUntil([&] { return first_->asked() > 5 && second_->asked() > 5; }));
    std::set<std::string> picked;
    ReplicaPicker picker(channel_, [&](const std::string& endpoint) {
      picked.insert(endpoint);
      return channel_;
    });
    for (const absl::Time end = absl::Now() + absl::Seconds(30); absl::Now() < end && picked.size() < 2;) {
      ASSERT_TRUE(io_.Run(picker.Pick(CallContext::Within(absl::Seconds(10)))).ok());
    }
    EXPECT_THAT(picked, testing::UnorderedElementsAre(one, two));
    second_->server().SetServing(false);
    second_.reset();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(Call().ok());
  }
}

TEST_F(ReplicasTest, ListsThatLeadNowhereAreRefused) {
  StartFirst();
  for (const char* list : {"127.0.0.1:1,", ",127.0.0.1:1", "127.0.0.1:1,unix:/x", "127.0.0.1:1,[::1]:1", "localhost:1,localhost:2",
                           "dns:///a:1,b:1"}) {
    options_.endpoint = list;
    EXPECT_EQ(MakeChannel(options_).status().code(), absl::StatusCode::kInvalidArgument) << list;
  }
  EXPECT_TRUE(IsOneProcess("unix:/x"));
  EXPECT_FALSE(IsOneProcess("127.0.0.1:1"));
}

TEST_F(ReplicasTest, AReplicaThatDrainsCostsNoCall) {
  dns_.Set({kFirst, kSecond});
  StartFirst();
  StartSecond();
  ASSERT_TRUE(CallUntil([&] { return first_->asked() > 0 && second_->asked() > 0; }));
  second_->server().SetServing(false);
  second_.reset();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Call().ok());
}

}  // namespace
}  // namespace mailmesh::rpc
