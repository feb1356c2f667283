// The program mailmesh-directory itself, killed and started again: what was acknowledged is there.
#include <grpcpp/channel.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/random.h"
#include "common/rpc/blocking_call.h"
#include "common/rpc/channel.h"
#include "mailmesh/directory/v1/directory_admin_service.grpc.pb.h"

namespace mailmesh::directory {
namespace {

class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest() {
    std::string pattern = ::testing::TempDir() + "/directory_process_XXXXXX";
    folder_ = mkdtemp(pattern.data());
    std::ofstream(folder_ + "/directory.yaml") << "common:\n  log: {level: error, format: text}\n  admin: {listen: \"127.0.0.1:0\"}\n"
                                               << "  grpc: {listen: \"unix:" << folder_ << "/d.sock\"}\n"
                                               << "database: {path: " << folder_ << "/db, ballast_bytes: 0}\n"
                                               << "shards: {\"0\": \"unix:/nowhere\"}\n"
                                               << "argon2_memory_kib: 8192\nargon2_passes: 1\nscram_iterations: 4096\n";
  }
  ~ProcessTest() override {
    if (pid_ > 0) End(SIGKILL);
    std::filesystem::remove_all(folder_);
  }

  void Start() {
    pid_ = fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) {
      std::string config = folder_ + "/directory.yaml";
      execl(MAILMESH_DIRECTORY_BINARY, MAILMESH_DIRECTORY_BINARY, "--config", config.c_str(), nullptr);
      _exit(127);
    }
    rpc::ChannelOptions options;
    options.endpoint = "unix:" + folder_ + "/d.sock";
    options.role = "directory";
    if (channel_ == nullptr) channel_ = *rpc::MakeChannel(options);
    ASSERT_TRUE(channel_->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30)));
    admin_ = v1::DirectoryAdminService::NewStub(channel_);
    // A channel may hold itself connected for a moment to the process that was killed.
    absl::Status served = absl::UnavailableError("not asked yet");
    for (int i = 0; i < 300 && !served.ok(); ++i) {
      served = rpc::BlockingCall(admin_.get(), &v1::DirectoryAdminService::Stub::ListDomains, v1::ListDomainsRequest(),
                                 rpc::CallContext::Within(absl::Seconds(10)))
                   .status();
      if (!served.ok()) absl::SleepFor(absl::Milliseconds(100));
    }
    ASSERT_TRUE(served.ok()) << served;
  }

  int End(int signal) {
    kill(pid_, signal);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

  absl::StatusOr<v1::CreateAccountResponse> Create(const std::string& id, const std::string& address) {
    v1::CreateAccountRequest request;
    request.set_request_id(id);
    request.set_address(address);
    return rpc::BlockingCall(admin_.get(), &v1::DirectoryAdminService::Stub::CreateAccount, request,
                             rpc::CallContext::Within(absl::Seconds(10)));
  }

  std::string folder_;
  pid_t pid_ = -1;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::DirectoryAdminService::Stub> admin_;
};

TEST_F(ProcessTest, WhatWasAcknowledgedOutlivesTheKill) {
  Start();
  v1::CreateDomainRequest domain;
  domain.set_request_id(base::NewIdText());
  domain.mutable_domain()->set_name("example.org");
  domain.mutable_domain()->set_kind(v1::DOMAIN_KIND_LOCAL);
  ASSERT_TRUE(rpc::BlockingCall(admin_.get(), &v1::DirectoryAdminService::Stub::CreateDomain, domain,
                                rpc::CallContext::Within(absl::Seconds(10)))
                  .ok());
  std::atomic<bool> stop{false};
  std::vector<std::string> ids;  // of the accounts acknowledged, in order
  std::thread load([&] {
    for (int i = 0; !stop; ++i) {
      auto created = Create(absl::StrCat("request", i), absl::StrCat("user", i, "@example.org"));
      if (!created.ok()) break;
      ids.push_back(created->account().account_id());
    }
  });
  absl::SleepFor(absl::Milliseconds(700));
  int status = End(SIGKILL);
  stop = true;
  load.join();
  EXPECT_TRUE(WIFSIGNALED(status));
  ASSERT_FALSE(ids.empty());

  Start();
  for (size_t i = 0; i < ids.size(); ++i) {
    auto again = Create(absl::StrCat("request", i), absl::StrCat("user", i, "@example.org"));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->account().account_id(), ids[i]);
  }
  // The request that was cut off succeeds, whether or not it had happened.
  EXPECT_TRUE(Create(absl::StrCat("request", ids.size()), absl::StrCat("user", ids.size(), "@example.org")).ok());
  EXPECT_EQ(End(SIGTERM), 0);
}

}  // namespace
}  // namespace mailmesh::directory
