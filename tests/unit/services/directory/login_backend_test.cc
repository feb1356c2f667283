#include "services/directory/login_backend.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/base/random.h"
#include "services/directory/store.h"

namespace mailmesh::directory {
namespace {

constexpr sasl::Argon2Parameters kCheap{.memory_kib = 64, .passes = 1, .lanes = 1};

class LoginBackendTest : public testing::Test {
 protected:
  LoginBackendTest() : folder_(std::filesystem::temp_directory_path() / ("login-backend-test-" + base::NewIdText())) {}
  ~LoginBackendTest() override {
    backend_.reset();
    store_.reset();
    pipeline_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  void SetUp() override {
    kv::DatabaseOptions options;
    options.path = folder_.string();
    auto database = kv::Database::Open(std::move(options), DirectoryColumns());
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    pipeline_ = std::make_unique<kv::CommitPipeline>(*database_, kv::CommitPipeline::Options());
    auto store = Store::Open(*database_, *pipeline_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    LoginBackend::Options backend;
    backend.parameters.argon2 = kCheap;
    backend.upgrade = [this](AccountId, uint64_t, base::Secret, telemetry::Trace trace) { traces_.push_back(trace.trace_id); };
    auto made = LoginBackend::Create(*store_, verified_, metrics_, std::move(backend));
    ASSERT_TRUE(made.ok()) << made.status();
    backend_ = *std::move(made);
  }

  const std::filesystem::path folder_;
  telemetry::Registry registry_;
  const Metrics metrics_{registry_};
  VerifiedLogins verified_{VerifiedLogins::Options()};
  std::unique_ptr<kv::Database> database_;
  std::unique_ptr<kv::CommitPipeline> pipeline_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<LoginBackend> backend_;
  std::vector<std::string> traces_;
};

TEST_F(LoginBackendTest, AnOldHashIsRenewedInTheTraceOfTheLogIn) {
  sasl::Credentials old;
  old.account_id = AccountText(AccountId(7));
  old.password_hash = *sasl::HashPassword(base::Secret("secret"), kCheap);  // without keys for SCRAM
  const telemetry::Trace trace = telemetry::Trace::New();
  const auto log_in = backend_->ForLogIn(trace);
  EXPECT_EQ(*log_in->CheckPassword(old, base::Secret("wrong")), false);
  EXPECT_TRUE(traces_.empty());
  EXPECT_EQ(*log_in->CheckPassword(old, base::Secret("secret")), true);
  EXPECT_EQ(traces_, std::vector<std::string>{trace.trace_id});
  EXPECT_TRUE(log_in->KnowsPassword(old, base::Secret("secret")));
}

}  // namespace
}  // namespace mailmesh::directory
