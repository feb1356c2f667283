// SASL over the wire: the gateways' Authenticator against a served directory, each mechanism with a real client.
#include <crypt.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "common/auth/authenticator.h"
#include "common/rpc/channel.h"
#include "common/sasl/client_session.h"
#include "tests/unit/services/directory/directory_fixture.h"

namespace mailmesh::directory {
namespace {

using auth::Challenge;
using auth::Failure;
using auth::FailureReason;
using auth::Step;
using auth::Success;

auth::Policy PlaintextOnLoopback() {
  config::v1::AuthConfig config;
  config.set_allow_plaintext_on_loopback(true);
  return auth::Policy(config);
}

// The service as it was before LogIn.
class WithoutLogIn final : public v1::AuthService::CallbackService {
 public:
  explicit WithoutLogIn(v1::AuthService::CallbackService* service) : service_(service) {}
  grpc::ServerBidiReactor<v1::AuthenticateRequest, v1::AuthenticateResponse>* Authenticate(
      grpc::CallbackServerContext* context) override {
    return service_->Authenticate(context);
  }

 private:
  v1::AuthService::CallbackService* const service_;
};

// A mail client that logs in through a gateway.
net::Awaitable<Step> LogIn(auth::Authenticator* authenticator, auth::ConnectionFacts facts, sasl::Mechanism mechanism,
                           std::string user, std::string password, std::string binding, bool initial) {
  auto client = sasl::ClientSession::Create(mechanism, {user, base::Secret(password)}, binding);
  auto exchange = authenticator->NewExchange(std::move(facts));
  net::TimePoint deadline = net::After(std::chrono::seconds(30));
  std::optional<base::Secret> first;
  if (initial) first = *(*client)->InitialResponse();
  std::string name(sasl::MechanismName(mechanism));
  Step step = co_await exchange->Start(name, std::move(first), deadline);
  while (auto* challenge = std::get_if<Challenge>(&step)) {
    auto response = (*client)->Respond(challenge->data);
    if (!response.ok()) co_return Failure{FailureReason::kMalformed, response.status().ToString()};
    base::Secret answer = *std::move(response);
    step = co_await exchange->Respond(std::move(answer), deadline);
  }
  if (std::holds_alternative<Success>(step) && !(*client)->CheckSuccess().ok()) {
    co_return Failure{FailureReason::kMalformed, "the server did not prove itself"};
  }
  co_return step;
}

net::Awaitable<Step> OneStep(auth::Authenticator* authenticator, auth::ConnectionFacts facts, std::string mechanism,
                             std::string initial) {
  auto exchange = authenticator->NewExchange(std::move(facts));
  std::optional<base::Secret> first(base::Secret(std::move(initial)));
  Step step = co_await exchange->Start(std::move(mechanism), std::move(first), net::After(std::chrono::seconds(30)));
  co_return step;
}

class AuthServiceTest : public DirectoryFixture {
 protected:
  void SetUp() override {
    StartDirectory();
    authenticator_ = std::make_unique<auth::Authenticator>(channel_, PlaintextOnLoopback());
    ASSERT_TRUE(AddDomain("example.org").ok());
    auto account = AddAccount("alice@example.org", "correct horse");
    ASSERT_TRUE(account.ok()) << account.status();
    alice_ = account->account_id();
    facts_.protocol = type::v1::PROTOCOL_SUBMISSION;
    facts_.peer_address = "192.0.2.1";
    facts_.tls = true;
    facts_.trace = telemetry::Trace::New();
  }

  Step Plain(const std::string& user, const std::string& password) {
    return Run(authenticator_->VerifyPlain(facts_, user, base::Secret(password), net::After(std::chrono::seconds(30))));
  }
  Step Full(sasl::Mechanism mechanism, const std::string& user, const std::string& password, bool initial = true) {
    auth::ConnectionFacts facts = facts_;
    std::string binding = sasl::IsPlus(mechanism) ? std::string(32, 'b') : "";
    facts.channel_binding = binding;
    return Run(LogIn(authenticator_.get(), facts, mechanism, user, password, binding, initial && mechanism != sasl::Mechanism::kLogin));
  }
  static std::string Word(const Step& step) {
    if (auto* failure = std::get_if<Failure>(&step)) return std::string(FailureReasonName(failure->reason));
    return std::holds_alternative<Success>(step) ? "success" : "challenge";
  }
  // How often Argon2id ran.
  int Verifications() {
    std::string text = registry_->Text();
    size_t at = text.find("mailmesh_password_verify_seconds_count{scheme=\"argon2\"}");
    return at == std::string::npos ? 0 : atoi(text.c_str() + text.find(' ', at));
  }

  std::string alice_;
  auth::ConnectionFacts facts_;
  std::unique_ptr<auth::Authenticator> authenticator_;
};

TEST_F(AuthServiceTest, EveryMechanism) {
  for (sasl::Mechanism mechanism : sasl::kMechanisms) {
    if (mechanism == sasl::Mechanism::kExternal) continue;  // shows no password
    for (bool initial : {true, false}) {
      SCOPED_TRACE(std::string(sasl::MechanismName(mechanism)) + (initial ? "" : " without initial response"));
      Step step = Full(mechanism, "Alice@Example.ORG", "correct horse", initial);
      ASSERT_EQ(Word(step), "success") << std::get<Failure>(step).detail;
      const Success& success = std::get<Success>(step);
      EXPECT_EQ(success.account_id, alice_);
      EXPECT_EQ(success.address, "alice@example.org");
      EXPECT_EQ(success.shard, "0");
      EXPECT_EQ(success.shard_endpoint, "unix:/nowhere/0");
    }
    facts_.peer_address = absl::StrCat("192.0.2.", 10 + static_cast<int>(mechanism));
    EXPECT_EQ(Word(Full(mechanism, "alice@example.org", "wrong")), "bad_credentials");
    EXPECT_EQ(Word(Full(mechanism, absl::StrCat("nobody", static_cast<int>(mechanism), "@example.org"), "wrong")),
              "bad_credentials");
  }
  EXPECT_NE(registry_->Text().find("mailmesh_auth_attempts_total{mechanism=\"SCRAM-SHA-256\",protocol=\"submission\",result=\"success\"} 2"),
            std::string::npos)
      << registry_->Text();
}

TEST_F(AuthServiceTest, ACallHasNoRoomForAChallenge) {
  auto stub = v1::AuthService::NewStub(channel_);
  v1::LogInRequest request;
  request.mutable_start()->mutable_facts()->set_tls(true);
  request.mutable_start()->mutable_facts()->set_protocol(type::v1::PROTOCOL_IMAP);
  request.mutable_start()->mutable_facts()->set_peer_address("192.0.2.1");
  auto log_in = [&](const std::string& mechanism, std::optional<std::string> initial) {
    request.mutable_start()->set_mechanism(mechanism);
    request.mutable_start()->clear_initial_response();
    if (initial) request.mutable_start()->set_initial_response(*initial);
    return rpc::BlockingCall(stub.get(), &v1::AuthService::Stub::LogIn, request, rpc::CallContext::Within(absl::Seconds(20))).status();
  };
  const std::string right("\0alice@example.org\0correct horse", 32);
  EXPECT_TRUE(log_in("PLAIN", right).ok());
  EXPECT_EQ(log_in("PLAIN", std::nullopt).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(log_in("SCRAM-SHA-256", "n,,n=alice@example.org,r=abcdefgh").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(log_in("LOGIN", "alice@example.org").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(log_in("NONE", right).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(log_in("PLAIN", right.substr(0, 30)).code(), absl::StatusCode::kUnauthenticated);
}

TEST_F(AuthServiceTest, ADirectoryWithoutLogInIsAskedByAStream) {
  v1::AuthService::CallbackService* service = nullptr;
  for (grpc::Service* one : core_->services()) {
    if (auto* found = dynamic_cast<v1::AuthService::CallbackService*>(one)) service = found;
  }
  ASSERT_NE(service, nullptr);
  WithoutLogIn before(service);
  rpc::ServerOptions options;
  options.endpoint = "unix:" + folder_ + "/before.sock";
  auto server = rpc::Server::Start(options, {&before});
  ASSERT_TRUE(server.ok()) << server.status();
  rpc::ChannelOptions channel;
  channel.endpoint = options.endpoint;
  channel.role = "directory";
  authenticator_ = std::make_unique<auth::Authenticator>(*rpc::MakeChannel(channel), PlaintextOnLoopback());
  EXPECT_EQ(Word(Plain("alice@example.org", "correct horse")), "success");
  EXPECT_EQ(Word(Plain("alice@example.org", "wrong")), "bad_credentials");
  (*server)->Shutdown(absl::Now() + absl::Seconds(5));
}

TEST_F(AuthServiceTest, WrongAndUnknownAreTheSameInEveryDetail) {
  Step wrong = Plain("alice@example.org", "wrong");
  Step unknown = Plain("nobody@example.org", "wrong");
  Step nowhere = Plain("not an address", "wrong");
  EXPECT_EQ(std::get<Failure>(wrong).detail, std::get<Failure>(unknown).detail);
  EXPECT_EQ(std::get<Failure>(wrong).detail, std::get<Failure>(nowhere).detail);
}

TEST_F(AuthServiceTest, VerifiedLogInsAreRememberedUntilThePasswordChanges) {
  EXPECT_EQ(Word(Plain("alice@example.org", "correct horse")), "success");
  int once = Verifications();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Word(Plain("alice@example.org", "correct horse")), "success");
  EXPECT_EQ(Verifications(), once);
  ASSERT_TRUE(SetPassword("alice@example.org", "another").ok());
  EXPECT_EQ(Word(Plain("alice@example.org", "correct horse")), "bad_credentials");
  EXPECT_EQ(Word(Plain("alice@example.org", "another")), "success");
  EXPECT_EQ(Word(Full(sasl::Mechanism::kScramSha256, "alice@example.org", "another")), "success");
}

TEST_F(AuthServiceTest, DisabledAndDeletedAccountsDoNotLogIn) {
  ASSERT_EQ(Word(Plain("alice@example.org", "correct horse")), "success");
  v1::SetAccountDisabledRequest request;
  request.set_request_id(FreshId());
  request.set_address("alice@example.org");
  request.set_disabled(true);
  ASSERT_TRUE(Admin(&v1::DirectoryAdminService::Stub::SetAccountDisabled, request).ok());
  EXPECT_EQ(Word(Plain("alice@example.org", "correct horse")), "bad_credentials");
  EXPECT_EQ(Word(Full(sasl::Mechanism::kScramSha256, "alice@example.org", "correct horse")), "bad_credentials");
  ASSERT_TRUE(AddAccount("new@example.org").ok());
  EXPECT_EQ(Word(Plain("new@example.org", "")), "bad_credentials");
  EXPECT_EQ(Word(Plain("new@example.org", "x")), "bad_credentials");
}

TEST_F(AuthServiceTest, ImportedHashesGetKeysAtTheFirstLogIn) {
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  ASSERT_NE(crypt_gensalt_rn("$6$", 5000, nullptr, 0, setting, sizeof(setting)), nullptr);
  auto area = std::make_unique<crypt_data>();
  v1::CreateAccountRequest request;
  request.set_request_id(FreshId());
  request.set_address("old@example.org");
  request.set_password_hash(crypt_r("from long ago", setting, area.get()));
  ASSERT_TRUE(Admin(&v1::DirectoryAdminService::Stub::CreateAccount, request).ok());
  EXPECT_EQ(Word(Full(sasl::Mechanism::kScramSha256, "old@example.org", "from long ago")), "bad_credentials");
  EXPECT_EQ(Word(Plain("old@example.org", "wrong")), "bad_credentials");
  EXPECT_EQ(Word(Plain("old@example.org", "from long ago")), "success");
  hash_pool_->Shutdown();  // the renewal has run when this returns
  StopDirectory();
  StartDirectory();
  EXPECT_EQ(Word(Full(sasl::Mechanism::kScramSha256, "old@example.org", "from long ago")), "success");
  EXPECT_EQ(Word(Plain("old@example.org", "from long ago")), "success");
}

TEST_F(AuthServiceTest, PolicyDecidesBeforeTheDirectoryIsAsked) {
  facts_.tls = false;
  EXPECT_EQ(Word(Plain("alice@example.org", "correct horse")), "tls_required");
  facts_.peer_address = "127.0.0.1";
  facts_.local = true;
  EXPECT_EQ(Word(Plain("alice@example.org", "correct horse")), "success");
  facts_.tls = true;
  EXPECT_EQ(Word(Run(OneStep(authenticator_.get(), facts_, "CRAM-MD5", "x"))), "mechanism_not_offered");
  EXPECT_EQ(Word(Run(OneStep(authenticator_.get(), facts_, "SCRAM-SHA-256-PLUS", "x"))), "mechanism_not_offered");
  facts_.protocol = type::v1::PROTOCOL_IMAP;
  EXPECT_EQ(Word(Run(OneStep(authenticator_.get(), facts_, "LOGIN", "x"))), "mechanism_not_offered");
}

TEST_F(AuthServiceTest, TheDirectoryRefusesWhatNoGatewayMayAllow) {
  auto stub = v1::AuthService::NewStub(channel_);
  auto list = [&](bool tls, const std::string& peer) {
    v1::ListMechanismsRequest request;
    request.mutable_facts()->set_tls(tls);
    request.mutable_facts()->set_peer_address(peer);
    return rpc::BlockingCall(stub.get(), &v1::AuthService::Stub::ListMechanisms, request, rpc::CallContext::Within(absl::Seconds(5)))
        ->mechanisms_size();
  };
  EXPECT_EQ(list(false, "192.0.2.1"), 0);
  EXPECT_EQ(list(false, "127.0.0.1"), 4) << "two of SCRAM, PLAIN, LOGIN";
  EXPECT_EQ(list(true, "192.0.2.1"), 4);
  // A gateway that lies about loopback.
  facts_.tls = false;
  facts_.local = true;
  EXPECT_EQ(Word(Plain("alice@example.org", "correct horse")), "malformed");
}

TEST_F(AuthServiceTest, MalformedIsToldApart) {
  EXPECT_EQ(Word(Run(OneStep(authenticator_.get(), facts_, "PLAIN", "nonsense"))), "malformed");
  EXPECT_EQ(Word(Run(OneStep(authenticator_.get(), facts_, "SCRAM-SHA-256", "nonsense"))), "malformed");
  EXPECT_EQ(Word(Run(OneStep(authenticator_.get(), facts_, "PLAIN", std::string(13'000, 'x')))), "malformed");
  EXPECT_EQ(Word(Plain(std::string("a\0b", 3), "x")), "malformed");
}

TEST_F(AuthServiceTest, RepeatedFailuresAreSlowedARightPasswordIsNot) {
  ASSERT_EQ(Word(Plain("alice@example.org", "correct horse")), "success");
  facts_.peer_address = "203.0.113.9";
  auto timed = [&](const std::string& password) {
    auto start = std::chrono::steady_clock::now();
    Plain("alice@example.org", password);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (int i = 0; i < 4; ++i) timed("wrong");
  EXPECT_GT(timed("wrong"), 0.4);
  facts_.peer_address = "192.0.2.1";
  EXPECT_LT(timed("correct horse"), 0.9) << "from where it logged in before";
}

TEST_F(AuthServiceTest, ATagDoesNotHideWhoseFailuresTheyAre) {
  auto timed = [&](const std::string& user) {
    auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(Word(Plain(user, "wrong")), "bad_credentials");
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (const std::string user : {"alice", "nobody"}) {
    for (int i = 0; i < 5; ++i) {
      facts_.peer_address = absl::StrCat("198.51.100.", i);
      timed(absl::StrCat(user, "+", i, "@example.org"));
    }
    facts_.peer_address = "198.51.100.99";
    EXPECT_GT(timed(absl::StrCat("\"", user, "\"@EXAMPLE.org")), 0.9) << user;
  }
}

TEST_F(AuthServiceTest, AnAddressThatFailedOftenHasFewAttemptsAtOnce) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Word(Plain(absl::StrCat("guess", i, "@example.org"), "x")), "bad_credentials");
  std::vector<std::future<Step>> steps;
  for (int i = 0; i < 12; ++i) {
    steps.push_back(asio::co_spawn(io_.Next(),
                                   authenticator_->VerifyPlain(facts_, absl::StrCat("more", i, "@example.org"), base::Secret("x"),
                                                               net::After(std::chrono::seconds(30))),
                                   asio::use_future));
  }
  int temporary = 0;
  for (auto& step : steps) temporary += Word(step.get()) == "temporary";
  EXPECT_GE(temporary, 4);
  EXPECT_LE(temporary, 8);
  // Others are not slowed.
  facts_.peer_address = "203.0.113.7";
  EXPECT_EQ(Word(Plain("alice@example.org", "correct horse")), "success");
}

TEST_F(AuthServiceTest, LogInsThatNeedNoHashDoNotWaitForThoseThatDo) {
  ASSERT_EQ(Word(Plain("alice@example.org", "correct horse")), "success");
  auto release = std::make_shared<absl::Notification>();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(hash_pool_->Post([release] { release->WaitForNotification(); }).ok());
  EXPECT_EQ(Word(Plain("alice@example.org", "correct horse")), "success");
  EXPECT_EQ(Word(Full(sasl::Mechanism::kScramSha256, "alice@example.org", "correct horse")), "success");
  // One that does waits, for a time that the client is not kept longer than.
  auth::Authenticator impatient(channel_, PlaintextOnLoopback(), std::chrono::milliseconds(200));
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Word(Run(impatient.VerifyPlain(facts_, "alice@example.org", base::Secret("wrong"),
                                           net::After(std::chrono::seconds(30))))),
            "temporary");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  release->Notify();
}

TEST_F(AuthServiceTest, ExternalByClientCertificate) {
  facts_.client_certificate_address = "Alice@Example.org";
  Step step = Run(OneStep(authenticator_.get(), facts_, "EXTERNAL", ""));
  ASSERT_EQ(Word(step), "success");
  EXPECT_EQ(std::get<Success>(step).account_id, alice_);
  ASSERT_TRUE(AddAccount("bob@example.org").ok());
  EXPECT_EQ(Word(Run(OneStep(authenticator_.get(), facts_, "EXTERNAL", "bob@example.org"))), "bad_credentials");
  // An account without a password may have a certificate.
  facts_.client_certificate_address = "bob@example.org";
  EXPECT_EQ(Word(Run(OneStep(authenticator_.get(), facts_, "EXTERNAL", ""))), "success");
  facts_.client_certificate_address = "nobody@example.org";
  EXPECT_EQ(Word(Run(OneStep(authenticator_.get(), facts_, "EXTERNAL", ""))), "bad_credentials");
  facts_.client_certificate_address = "";
  EXPECT_EQ(Word(Run(OneStep(authenticator_.get(), facts_, "EXTERNAL", ""))), "mechanism_not_offered");
}

TEST_F(AuthServiceTest, ADirectoryThatIsAwayIsTemporary) {
  StopDirectory();
  auto step = Run(authenticator_->VerifyPlain(facts_, "alice@example.org", base::Secret("correct horse"),
                                              net::After(std::chrono::seconds(2))));
  EXPECT_EQ(Word(step), "temporary");
  StartDirectory();
  EXPECT_EQ(Word(Plain("alice@example.org", "correct horse")), "success");
}

}  // namespace
}  // namespace mailmesh::directory
