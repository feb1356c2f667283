// The gateways' look-ups against a served directory that goes away and comes back.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/auth/account_watch.h"
#include "common/auth/directory_client.h"
#include "common/auth/lookup_metrics.h"
#include "common/auth/shard_map.h"
#include "common/base/fake_clock.h"
#include "common/rpc/channel.h"
#include "common/rpc/server_call.h"
#include "services/directory/errors.h"
#include "tests/unit/services/directory/directory_fixture.h"

namespace mailmesh::directory {
namespace {

net::TimePoint Soon() { return net::After(std::chrono::seconds(3)); }

class GatewayTest : public DirectoryFixture {
 protected:
  void SetUp() override {
    StartDirectory();
    ASSERT_TRUE(AddDomain("example.org").ok());
    alice_ = AddAccount("alice@example.org")->account_id();
    auth::DirectoryClient::Options options;
    options.clock = &clock_;
    options.patience = absl::Milliseconds(300);
    client_ = std::make_unique<auth::DirectoryClient>(channel_, options);
  }

  v1::RecipientResolution::Kind KindOf(const std::string& address) {
    auto result = Run(client_->ResolveRecipient(address, Soon()));
    last_ = result.status();
    return result.ok() ? result->kind() : v1::RecipientResolution::KIND_UNSPECIFIED;
  }

  base::FakeClock clock_;
  std::string alice_;
  absl::Status last_;
  std::unique_ptr<auth::DirectoryClient> client_;
};

TEST_F(GatewayTest, AnswersAreKeptForAWhile) {
  EXPECT_EQ(KindOf("alice@example.org"), v1::RecipientResolution::KIND_DELIVER);
  EXPECT_EQ(KindOf("bob@example.org"), v1::RecipientResolution::KIND_UNKNOWN_USER);
  ASSERT_TRUE(AddAccount("bob@example.org").ok());
  EXPECT_EQ(KindOf("bob@example.org"), v1::RecipientResolution::KIND_UNKNOWN_USER) << "kept";
  clock_.Advance(absl::Seconds(11));
  EXPECT_EQ(KindOf("bob@example.org"), v1::RecipientResolution::KIND_DELIVER);
  EXPECT_EQ(client_->stats().entries, 2u);
  auto several = Run(client_->ResolveRecipients({"x@elsewhere.example", "alice@example.org", "bad"}, Soon()));
  ASSERT_TRUE(several.ok());
  EXPECT_EQ((*several)[0].kind(), v1::RecipientResolution::KIND_REMOTE);
  EXPECT_EQ((*several)[1].targets(0).account_id(), alice_);
  EXPECT_EQ((*several)[2].kind(), v1::RecipientResolution::KIND_BAD_ADDRESS);
}

TEST_F(GatewayTest, KnownRecipientsOutliveTheDirectory) {
  telemetry::Registry registry;
  const telemetry::ScrapeHook metrics = auth::MeterLookups(registry, *client_);
  EXPECT_EQ(KindOf("alice@example.org"), v1::RecipientResolution::KIND_DELIVER);
  EXPECT_EQ(KindOf("nobody@example.org"), v1::RecipientResolution::KIND_UNKNOWN_USER);
  EXPECT_TRUE(*Run(client_->CheckSender(alice_, "alice@example.org", Soon())));
  EXPECT_FALSE(*Run(client_->CheckSender(alice_, "bob@example.org", Soon())));
  EXPECT_FALSE(Run(client_->GetRoute("elsewhere.example", Soon()))->has_value());
  StopDirectory();
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(KindOf("alice@example.org"), v1::RecipientResolution::KIND_DELIVER);
  EXPECT_TRUE(*Run(client_->CheckSender(alice_, "alice@example.org", Soon())));
  EXPECT_FALSE(Run(client_->GetRoute("elsewhere.example", Soon()))->has_value());
  // An old "no" is not repeated, a new question not answered: both temporary.
  EXPECT_EQ(KindOf("nobody@example.org"), v1::RecipientResolution::KIND_UNSPECIFIED);
  EXPECT_TRUE(absl::IsUnavailable(last_) || absl::IsDeadlineExceeded(last_)) << last_;
  EXPECT_FALSE(Run(client_->CheckSender(alice_, "bob@example.org", Soon())).ok());
  EXPECT_EQ(KindOf("new@example.org"), v1::RecipientResolution::KIND_UNSPECIFIED);
  // Not for ever.
  clock_.Advance(absl::Hours(2));
  EXPECT_EQ(KindOf("alice@example.org"), v1::RecipientResolution::KIND_UNSPECIFIED);
  EXPECT_GE(client_->stats().stale, 2u);
  const std::string text = registry.Text();
  EXPECT_NE(text.find("mailmesh_directory_cache_entries 5"), std::string::npos) << text;
  EXPECT_NE(text.find("mailmesh_directory_cache_lookups_total{result=\"stale\"} 3"), std::string::npos) << text;
}

TEST_F(GatewayTest, OneWaitsForADirectoryThatDoesNotAnswerTheOthersDoNot) {
  EXPECT_EQ(KindOf("alice@example.org"), v1::RecipientResolution::KIND_DELIVER);
  clock_.Advance(absl::Minutes(1));
  // It runs and says nothing, as a stopped process.
  auto release = std::make_shared<absl::Notification>();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(database_pool_->Post([release] { release->WaitForNotification(); }).ok());
  auto timed = [&](const std::string& address, v1::RecipientResolution::Kind expected) {
    auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(KindOf(address), expected);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  EXPECT_GT(timed("alice@example.org", v1::RecipientResolution::KIND_DELIVER), 0.25) << "its patience";
  double all = 0;
  for (int i = 0; i < 20; ++i) all += timed("alice@example.org", v1::RecipientResolution::KIND_DELIVER);
  EXPECT_LT(all, 0.25);
  // What nobody knows is asked for each time, but not waited for longer than that.
  EXPECT_LT(timed("new@example.org", v1::RecipientResolution::KIND_UNSPECIFIED), 2);
  release->Notify();
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(KindOf("new@example.org"), v1::RecipientResolution::KIND_UNKNOWN_USER);
  ASSERT_TRUE(AddAccount("late@example.org").ok());
  EXPECT_EQ(KindOf("late@example.org"), v1::RecipientResolution::KIND_DELIVER) << "it is asked again";
}

TEST_F(GatewayTest, NobodyWaitsLongForTheFirstAnswer) {
  auth::DirectoryClient::Options options;
  options.patience_without = absl::Milliseconds(300);
  client_ = std::make_unique<auth::DirectoryClient>(channel_, options);
  // It runs and says nothing, as a stopped process.
  auto release = std::make_shared<absl::Notification>();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(database_pool_->Post([release] { release->WaitForNotification(); }).ok());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(KindOf("alice@example.org"), v1::RecipientResolution::KIND_UNSPECIFIED);
  EXPECT_TRUE(absl::IsDeadlineExceeded(last_)) << last_;
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2)) << "the deadline given is 3 s";
  release->Notify();
}

// What an AccountWatch sees as sessions, and ended.
struct WatchedSessions {
  absl::Mutex mutex;
  std::vector<std::string> ended ABSL_GUARDED_BY(mutex);
  std::atomic<int> rounds{0};

  bool Ended(const std::string& account) {
    absl::MutexLock lock(&mutex);
    return std::find(ended.begin(), ended.end(), account) != ended.end();
  }
};

TEST_F(GatewayTest, SessionsOfAccountsThatAreDisabledOrDeletedEnd) {
  ASSERT_TRUE(AddAccount("bob@example.org").ok());
  ASSERT_TRUE(AddAccount("eve@example.org").ok());
  auto seen = std::make_shared<WatchedSessions>();
  auth::AccountWatch::Sessions sessions;
  sessions.accounts = [seen] {
    ++seen->rounds;
    return std::vector<std::string>{"alice@example.org", "bob@example.org", "eve@example.org"};
  };
  sessions.end = [seen](const std::string& account) {
    absl::MutexLock lock(&seen->mutex);
    seen->ended.push_back(account);
  };
  auto watch = std::make_shared<auth::AccountWatch>(io_.Next().get_executor(), channel_, sessions,
                                                    std::chrono::milliseconds(40));
  watch->Start();
  const auto rounds = [&seen](int more) {
    for (const int until = seen->rounds + more; seen->rounds < until;) absl::SleepFor(absl::Milliseconds(2));
  };
  rounds(2);
  EXPECT_FALSE(seen->Ended("alice@example.org") || seen->Ended("bob@example.org") || seen->Ended("eve@example.org"));
  v1::SetAccountDisabledRequest disable;
  disable.set_request_id(FreshId());
  disable.set_address("bob@example.org");
  disable.set_disabled(true);
  ASSERT_TRUE(Admin(&v1::DirectoryAdminService::Stub::SetAccountDisabled, disable).ok());
  v1::DeleteAccountRequest remove;
  remove.set_request_id(FreshId());
  remove.set_address("eve@example.org");
  ASSERT_TRUE(Admin(&v1::DirectoryAdminService::Stub::DeleteAccount, remove).ok());
  rounds(2);
  EXPECT_TRUE(seen->Ended("bob@example.org"));
  EXPECT_TRUE(seen->Ended("eve@example.org"));
  // One that is away ends nothing.
  StopDirectory();
  rounds(2);
  EXPECT_FALSE(seen->Ended("alice@example.org"));
  watch->Stop();
}

// A directory of the version before BatchGetAccounts.
class OldDirectory final : public v1::DirectoryService::CallbackService {
 public:
  grpc::ServerUnaryReactor* GetAccount(grpc::CallbackServerContext* context, const v1::GetAccountRequest* request,
                                       v1::GetAccountResponse* response) override {
    if (request->address() == "away@example.org") return rpc::AnswerUnary(context, absl::UnavailableError("away"));
    if (request->address() == "nobody@example.org") return rpc::AnswerUnary(context, AccountNotFound());
    response->mutable_account()->set_account_id("id of " + request->address());
    return rpc::AnswerUnary(context, absl::OkStatus());
  }
};

TEST_F(GatewayTest, ManyAccountsAtOnceAlsoOfADirectoryOfTheVersionBefore) {
  const std::vector<std::string> asked = {"alice@example.org", "nobody@example.org", "not an address"};
  auto accounts = Run(client_->GetAccounts(asked, Soon()));
  ASSERT_TRUE(accounts.ok()) << accounts.status();
  ASSERT_EQ(accounts->size(), 3u);
  EXPECT_EQ((*accounts)[0].account_id(), alice_);
  EXPECT_EQ((*accounts)[1].account_id(), "");
  EXPECT_EQ((*accounts)[2].account_id(), "");
  v1::BatchGetAccountsRequest request;
  request.add_requests()->set_account_id(alice_);
  request.add_requests()->set_account_id("0000000000000fff");
  const auto by_id = Lookup(&v1::DirectoryService::Stub::BatchGetAccounts, request);
  ASSERT_TRUE(by_id.ok()) << by_id.status();
  ASSERT_EQ(by_id->accounts_size(), 2);
  EXPECT_EQ(by_id->accounts(0).address(), "alice@example.org");
  EXPECT_EQ(by_id->accounts(1).account_id(), "");
  for (int i = 0; i < 1000; ++i) request.add_requests()->set_account_id(alice_);
  EXPECT_EQ(Lookup(&v1::DirectoryService::Stub::BatchGetAccounts, request).status().code(), absl::StatusCode::kInvalidArgument);

  OldDirectory old;
  rpc::ServerOptions options;
  options.endpoint = "unix:" + folder_ + "/old.sock";
  const auto server = rpc::Server::Start(options, {&old});
  ASSERT_TRUE(server.ok()) << server.status();
  rpc::ChannelOptions to_old;
  to_old.endpoint = options.endpoint;
  to_old.role = "directory";
  auth::DirectoryClient client(*rpc::MakeChannel(to_old));
  accounts = Run(client.GetAccounts({"bob@example.org", "nobody@example.org", "eve@example.org"}, Soon()));
  ASSERT_TRUE(accounts.ok()) << accounts.status();
  ASSERT_EQ(accounts->size(), 3u);
  EXPECT_EQ((*accounts)[0].account_id(), "id of bob@example.org");
  EXPECT_EQ((*accounts)[1].account_id(), "");
  EXPECT_EQ((*accounts)[2].account_id(), "id of eve@example.org");
  // What is not answered is not a "no".
  EXPECT_TRUE(absl::IsUnavailable(Run(client.GetAccounts({"bob@example.org", "away@example.org"}, Soon())).status()));
  (*server)->Shutdown(absl::Now());
}

TEST_F(GatewayTest, ShardMap) {
  std::vector<std::string> made;
  auto factory = [&made](const std::string& endpoint) -> std::shared_ptr<grpc::Channel> {
    made.push_back(endpoint);
    rpc::ChannelOptions options;
    options.endpoint = endpoint;
    options.role = "mailbox_store";
    auto channel = rpc::MakeChannel(options);
    return channel.ok() ? *channel : nullptr;
  };
  auth::ShardMap map(channel_, factory, clock_);
  auto first = Run(map.Channel("0", Soon()));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(*Run(map.Channel("0", Soon())), *first);
  EXPECT_EQ(made, std::vector<std::string>{"unix:/nowhere/0"});
  EXPECT_TRUE(absl::IsNotFound(Run(map.Channel("1", Soon())).status()));
  v1::SetShardRequest shard;
  shard.set_request_id(FreshId());
  shard.mutable_shard()->set_name("1");
  shard.mutable_shard()->set_endpoint("unix:/nowhere/1");
  ASSERT_TRUE(Admin(&v1::DirectoryAdminService::Stub::SetShard, shard).ok());
  clock_.Advance(absl::Seconds(2));
  EXPECT_TRUE(Run(map.Channel("1", Soon())).ok());
  // A move, seen after the map has been read again.
  shard.set_request_id(FreshId());
  shard.mutable_shard()->set_endpoint("unix:/nowhere/elsewhere");
  ASSERT_TRUE(Admin(&v1::DirectoryAdminService::Stub::SetShard, shard).ok());
  clock_.Advance(absl::Seconds(2));
  map.Invalidate();
  EXPECT_TRUE(Run(map.Channel("1", Soon())).ok());
  EXPECT_EQ(made.back(), "unix:/nowhere/elsewhere");
  EXPECT_EQ(Run(map.List(Soon()))->size(), 2u);
  StopDirectory();
  clock_.Advance(absl::Hours(1));
  EXPECT_TRUE(Run(map.Channel("0", Soon())).ok());
  auth::ShardMap fresh(channel_, factory, clock_);
  fresh.Learn("7", "unix:/nowhere/7");
  EXPECT_TRUE(Run(fresh.Channel("7", Soon())).ok());
  EXPECT_FALSE(Run(fresh.Channel("8", Soon())).ok());
}

}  // namespace
}  // namespace mailmesh::directory
