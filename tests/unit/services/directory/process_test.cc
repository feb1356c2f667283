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

using Stub = v1::DirectoryAdminService::Stub;

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

  // Makes the change, kills the process as soon as it has answered, starts it again and repeats the request: the answer is the
  // first one, and nothing changes for it.
  template <class Request, class Response>
  void ChangeAndKill(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Request request) {
    SCOPED_TRACE(Request::descriptor()->name());
    request.set_request_id(base::NewIdText());
    auto call = [&] { return rpc::BlockingCall(admin_.get(), method, request, rpc::CallContext::Within(absl::Seconds(20))); };
    absl::StatusOr<Response> first = call();
    ASSERT_TRUE(first.ok()) << first.status();
    End(SIGKILL);
    Start();
    const std::string before = State();
    absl::StatusOr<Response> again = call();
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
    EXPECT_EQ(State(), before);
    history_.push_back(before);
  }

  // Everything that the lists tell.
  std::string State() {
    auto list = [&](auto method, auto request) {
      auto page = rpc::BlockingCall(admin_.get(), method, request, rpc::CallContext::Within(absl::Seconds(20)));
      return page.ok() ? page->DebugString() : page.status().ToString();
    };
    return absl::StrCat(list(&Stub::ListDomains, v1::ListDomainsRequest()), list(&Stub::ListRoutes, v1::ListRoutesRequest()),
                        list(&Stub::ListAccounts, v1::ListAccountsRequest()),
                        list(&Stub::ListAliases, v1::ListAliasesRequest()));
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
  std::unique_ptr<Stub> admin_;
  // The states after each change.
  std::vector<std::string> history_;
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

TEST_F(ProcessTest, EveryKindOfChangeIsDurableWhenItIsAnswered) {
  Start();
  v1::CreateDomainRequest domain;
  domain.mutable_domain()->set_name("example.org");
  domain.mutable_domain()->set_kind(v1::DOMAIN_KIND_LOCAL);
  ChangeAndKill(&Stub::CreateDomain, domain);
  v1::CreateAccountRequest account;
  account.set_address("alice@example.org");
  account.set_password("secret");
  ChangeAndKill(&Stub::CreateAccount, account);
  v1::SetAliasRequest alias;
  alias.mutable_alias()->set_address("info@example.org");
  alias.mutable_alias()->add_targets("alice@example.org");
  ChangeAndKill(&Stub::SetAlias, alias);
  v1::UpdateDomainRequest update;
  update.set_name("example.org");
  update.set_subaddress_separators("-");
  update.mutable_catch_all()->add_targets("alice@example.org");
  ChangeAndKill(&Stub::UpdateDomain, update);
  v1::SetAccountDisabledRequest disable;
  disable.set_address("alice@example.org");
  disable.set_disabled(true);
  ChangeAndKill(&Stub::SetAccountDisabled, disable);
  v1::SetRouteRequest route;
  route.mutable_route()->set_domain("elsewhere.example");
  route.mutable_route()->add_next_hops("mx.elsewhere.example:25");
  route.mutable_route()->set_user("mesh");
  route.mutable_route()->set_sealed_password("sealed");
  ChangeAndKill(&Stub::SetRoute, route);
  v1::DeleteRouteRequest no_route;
  no_route.set_domain("elsewhere.example");
  ChangeAndKill(&Stub::DeleteRoute, no_route);
  v1::DeleteAliasRequest no_alias;
  no_alias.set_address("info@example.org");
  ChangeAndKill(&Stub::DeleteAlias, no_alias);
  update.clear_subaddress_separators();
  update.mutable_catch_all()->clear_targets();
  ChangeAndKill(&Stub::UpdateDomain, update);
  v1::DeleteAccountRequest no_account;
  no_account.set_address("alice@example.org");
  ChangeAndKill(&Stub::DeleteAccount, no_account);
  v1::DeleteDomainRequest no_domain;
  no_domain.set_name("example.org");
  ChangeAndKill(&Stub::DeleteDomain, no_domain);
  // Each of them was seen after the kill: no state is that of the change before it.
  for (size_t i = 1; i < history_.size(); ++i) EXPECT_NE(history_[i], history_[i - 1]) << "change " << i;
  EXPECT_EQ(history_.size(), 11u);
  EXPECT_EQ(history_.back(), "");
}

}  // namespace
}  // namespace mailmesh::directory
