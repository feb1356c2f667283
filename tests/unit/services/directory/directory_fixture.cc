#include "tests/unit/services/directory/directory_fixture.h"

#include <stdlib.h>

#include <filesystem>

#include "common/base/random.h"
#include "common/rpc/channel.h"
#include "common/telemetry/log.h"

namespace mailmesh::directory {

std::string FreshId() { return base::NewIdText(); }

DirectoryFixture::DirectoryFixture() {
  telemetry::SetLogLevel(telemetry::Level::kError);
  std::string pattern = ::testing::TempDir() + "/directory_XXXXXX";
  folder_ = mkdtemp(pattern.data());
  config_.mutable_database()->set_path(folder_ + "/db");
  config_.set_argon2_memory_kib(8192);
  config_.set_argon2_passes(1);
  config_.set_scram_iterations(4096);
  config_.mutable_cache()->set_seconds(10);
  (*config_.mutable_shards())["0"] = "unix:/nowhere/0";
  io_.Start();
}

DirectoryFixture::~DirectoryFixture() {
  StopDirectory();
  io_.Stop();
  std::filesystem::remove_all(folder_);
}

void DirectoryFixture::StartDirectory() {
  registry_ = std::make_unique<telemetry::Registry>();
  auto pool = [](const char* name, int threads) {
    base::WorkerPool::Options options;
    options.name = name;
    options.threads = threads;
    return std::make_unique<base::WorkerPool>(options);
  };
  database_pool_ = pool("database", 2);
  edit_pool_ = pool("edits", 2);
  hash_pool_ = pool("hash", 2);
  Core::Surroundings surroundings{io_,        *database_pool_,           *edit_pool_, *hash_pool_,
                                  *registry_, base::Clock::Real(), [](const absl::Status& status) { FAIL() << status; }};
  auto core = Core::Create(config_, std::move(surroundings));
  ASSERT_TRUE(core.ok()) << core.status();
  core_ = *std::move(core);
  rpc::ServerOptions options;
  options.endpoint = "unix:" + folder_ + "/directory.sock";
  auto server = rpc::Server::Start(options, core_->services());
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  server_->SetServing(true);
  if (channel_ == nullptr) {
    rpc::ChannelOptions channel;
    channel.endpoint = options.endpoint;
    channel.role = "directory";
    channel_ = *rpc::MakeChannel(channel);
    admin_ = v1::DirectoryAdminService::NewStub(channel_);
    lookup_ = v1::DirectoryService::NewStub(channel_);
  }
  ASSERT_TRUE(channel_->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10)));
}

void DirectoryFixture::StopDirectory() {
  if (server_ != nullptr) server_->Shutdown(absl::Now() + absl::Seconds(5));
  server_.reset();
  for (auto* pool : {&database_pool_, &edit_pool_, &hash_pool_}) {
    if (*pool != nullptr) (*pool)->Shutdown();
  }
  core_.reset();
  database_pool_.reset();
  edit_pool_.reset();
  hash_pool_.reset();
  registry_.reset();
}

absl::Status DirectoryFixture::AddDomain(const std::string& name, v1::DomainKind kind) {
  v1::CreateDomainRequest request;
  request.set_request_id(FreshId());
  request.mutable_domain()->set_name(name);
  request.mutable_domain()->set_kind(kind);
  return Admin(&v1::DirectoryAdminService::Stub::CreateDomain, request).status();
}

absl::StatusOr<v1::Account> DirectoryFixture::AddAccount(const std::string& address, const std::string& password) {
  v1::CreateAccountRequest request;
  request.set_request_id(FreshId());
  request.set_address(address);
  request.set_password(password);
  auto response = Admin(&v1::DirectoryAdminService::Stub::CreateAccount, request);
  if (!response.ok()) return response.status();
  return response->account();
}

absl::Status DirectoryFixture::AddAlias(const std::string& address, const std::vector<std::string>& targets) {
  v1::SetAliasRequest request;
  request.set_request_id(FreshId());
  request.mutable_alias()->set_address(address);
  for (const std::string& target : targets) request.mutable_alias()->add_targets(target);
  return Admin(&v1::DirectoryAdminService::Stub::SetAlias, request).status();
}

absl::Status DirectoryFixture::SetPassword(const std::string& address, const std::string& password) {
  v1::SetPasswordRequest request;
  request.set_request_id(FreshId());
  request.set_address(address);
  request.set_password(password);
  return Admin(&v1::DirectoryAdminService::Stub::SetPassword, request).status();
}

absl::StatusOr<v1::RecipientResolution> DirectoryFixture::Resolve(const std::string& address) {
  v1::ResolveRecipientsRequest request;
  request.add_addresses(address);
  auto response = Lookup(&v1::DirectoryService::Stub::ResolveRecipients, request);
  if (!response.ok()) return response.status();
  if (response->resolutions_size() != 1) return absl::InternalError("not one resolution");
  return response->resolutions(0);
}

bool DirectoryFixture::Owns(const std::string& account_id, const std::string& address) {
  v1::CheckSenderRequest request;
  request.set_account_id(account_id);
  request.set_address(address);
  auto response = Lookup(&v1::DirectoryService::Stub::CheckSender, request);
  EXPECT_TRUE(response.ok()) << response.status();
  return response.ok() && response->owned();
}

}  // namespace mailmesh::directory
