#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "services/directory/store.h"
#include "tests/unit/services/directory/directory_fixture.h"

namespace mailmesh::directory {
namespace {

using AdminStub = v1::DirectoryAdminService::Stub;
using LookupStub = v1::DirectoryService::Stub;
namespace type = ::mailmesh::type;

class EditorTest : public DirectoryFixture {
 protected:
  void SetUp() override {
    StartDirectory();
    ASSERT_TRUE(AddDomain("example.org").ok());
  }
  static type::v1::ErrorReason Reason(const absl::Status& status) { return rpc::ReasonOf(status); }
};

TEST_F(EditorTest, CreatesAreIdempotentByTheirId) {
  v1::CreateAccountRequest request;
  request.set_request_id("one");
  request.set_address("alice@example.org");
  request.set_password("secret");
  auto first = Admin(&AdminStub::CreateAccount, request);
  ASSERT_TRUE(first.ok()) << first.status();
  auto again = Admin(&AdminStub::CreateAccount, request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->account().account_id(), first->account().account_id());
  EXPECT_EQ(first->account().account_id().size(), 16u);
  // Another request under the same id, and the same under another id.
  request.set_address("bob@example.org");
  EXPECT_TRUE(absl::IsInvalidArgument(Admin(&AdminStub::CreateAccount, request).status()));
  request.set_address("Alice@EXAMPLE.org");
  request.set_request_id("two");
  EXPECT_EQ(Reason(Admin(&AdminStub::CreateAccount, request).status()), type::v1::ERROR_REASON_ALREADY_EXISTS);
  request.set_request_id("");
  EXPECT_TRUE(absl::IsInvalidArgument(Admin(&AdminStub::CreateAccount, request).status()));
}

TEST_F(EditorTest, EverythingIsThereAfterReopening) {
  v1::CreateAccountRequest request;
  request.set_request_id("one");
  request.set_address("alice@example.org");
  auto first = Admin(&AdminStub::CreateAccount, request);
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(AddAlias("info@example.org", {"alice@example.org"}).ok());
  StopDirectory();
  StartDirectory();
  EXPECT_EQ(Resolve("info@example.org")->targets(0).account_id(), first->account().account_id());
  // The answer is remembered over the restart.
  EXPECT_EQ(Admin(&AdminStub::CreateAccount, request)->account().account_id(), first->account().account_id());
  EXPECT_NE(registry_->Text().find("mailmesh_directory_entries{kind=\"account\"} 1"), std::string::npos);
}

TEST_F(EditorTest, AccountIdsAreNeverUsedAgain) {
  std::set<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    auto account = AddAccount("alice@example.org");
    ASSERT_TRUE(account.ok()) << account.status();
    EXPECT_TRUE(ids.insert(account->account_id()).second);
    v1::DeleteAccountRequest request;
    request.set_request_id(FreshId());
    request.set_address("alice@example.org");
    auto deleted = Admin(&AdminStub::DeleteAccount, request);
    ASSERT_TRUE(deleted.ok());
    EXPECT_EQ(deleted->account_id(), account->account_id());
    EXPECT_EQ(Reason(Admin(&AdminStub::DeleteAccount, request).status()), type::v1::ERROR_REASON_UNSPECIFIED)
        << "the repeated request gets the first answer";
    request.set_request_id(FreshId());
    EXPECT_EQ(Reason(Admin(&AdminStub::DeleteAccount, request).status()), type::v1::ERROR_REASON_ACCOUNT_NOT_FOUND);
    if (i == 2) {
      StopDirectory();
      StartDirectory();
    }
  }
}

TEST_F(EditorTest, DomainsInUseStay) {
  ASSERT_TRUE(AddAccount("alice@example.org").ok());
  v1::DeleteDomainRequest request;
  request.set_request_id(FreshId());
  request.set_name("Example.org");
  EXPECT_EQ(Reason(Admin(&AdminStub::DeleteDomain, request).status()), type::v1::ERROR_REASON_NOT_ALLOWED);
  EXPECT_TRUE(AddDomain("other.example").ok());
  EXPECT_EQ(Reason(AddDomain("OTHER.example")), type::v1::ERROR_REASON_ALREADY_EXISTS);
  request.set_request_id(FreshId());
  request.set_name("other.example");
  EXPECT_TRUE(Admin(&AdminStub::DeleteDomain, request).ok());
  request.set_request_id(FreshId());
  EXPECT_EQ(Reason(Admin(&AdminStub::DeleteDomain, request).status()), type::v1::ERROR_REASON_DOMAIN_NOT_FOUND);
  EXPECT_EQ(Reason(AddAccount("bob@other.example").status()), type::v1::ERROR_REASON_DOMAIN_NOT_FOUND);
  EXPECT_EQ(Reason(AddDomain("not a domain")), type::v1::ERROR_REASON_BAD_NAME);
  EXPECT_TRUE(absl::IsInvalidArgument(AddDomain("x.example", v1::DOMAIN_KIND_UNSPECIFIED)));
}

TEST_F(EditorTest, AddressIsAccountOrAlias) {
  ASSERT_TRUE(AddAccount("alice@example.org").ok());
  EXPECT_EQ(Reason(AddAlias("alice@example.org", {"bob@example.org"})), type::v1::ERROR_REASON_ALREADY_EXISTS);
  ASSERT_TRUE(AddAlias("info@example.org", {"alice@example.org"}).ok());
  EXPECT_EQ(Reason(AddAccount("info@example.org").status()), type::v1::ERROR_REASON_ALREADY_EXISTS);
  ASSERT_TRUE(AddAlias("info@example.org", {"bob@elsewhere.example"}).ok()) << "setting replaces";
  EXPECT_EQ(Reason(AddAlias("x@elsewhere.example", {"alice@example.org"})), type::v1::ERROR_REASON_DOMAIN_NOT_FOUND);
  EXPECT_EQ(Reason(AddAlias("y@example.org", {"nonsense"})), type::v1::ERROR_REASON_BAD_ADDRESS);
  EXPECT_TRUE(absl::IsInvalidArgument(AddAlias("y@example.org", {})));
}

TEST_F(EditorTest, Routes) {
  v1::SetRouteRequest request;
  request.set_request_id(FreshId());
  request.mutable_route()->set_domain("Relay.example");
  request.mutable_route()->add_next_hops("mx.relay.example:25");
  request.mutable_route()->add_next_hops("[2001:db8::1]:2525");
  request.mutable_route()->set_tls_policy(v1::TLS_POLICY_REQUIRED);
  ASSERT_TRUE(Admin(&AdminStub::SetRoute, request).ok());
  v1::GetRouteRequest get;
  get.set_domain("RELAY.example");
  auto route = Lookup(&LookupStub::GetRoute, get);
  ASSERT_TRUE(route.ok()) << route.status();
  EXPECT_EQ(route->route().next_hops_size(), 2);
  EXPECT_EQ(route->route().tls_policy(), v1::TLS_POLICY_REQUIRED);
  EXPECT_FALSE(route->route().implicit_tls());
  request.set_request_id(FreshId());
  request.mutable_route()->set_implicit_tls(true);
  ASSERT_TRUE(Admin(&AdminStub::SetRoute, request).ok());
  route = Lookup(&LookupStub::GetRoute, get);
  ASSERT_TRUE(route.ok()) << route.status();
  EXPECT_TRUE(route->route().implicit_tls());
  request.set_request_id(FreshId());
  request.mutable_route()->set_tls_policy(v1::TLS_POLICY_NONE);
  EXPECT_TRUE(absl::IsInvalidArgument(Admin(&AdminStub::SetRoute, request).status()));
  request.mutable_route()->set_tls_policy(v1::TLS_POLICY_REQUIRED);
  // A user and a password that only the relay can open; both or none.
  request.set_request_id(FreshId());
  request.mutable_route()->set_user("mesh@relay.example");
  EXPECT_TRUE(absl::IsInvalidArgument(Admin(&AdminStub::SetRoute, request).status()));
  const std::string sealed("\x01\x00\xFF sealed", 10);
  request.set_request_id(FreshId());
  request.mutable_route()->set_sealed_password(sealed);
  ASSERT_TRUE(Admin(&AdminStub::SetRoute, request).ok());
  route = Lookup(&LookupStub::GetRoute, get);
  EXPECT_EQ(route->route().user(), "mesh@relay.example");
  EXPECT_EQ(route->route().sealed_password(), sealed);
  request.set_request_id(FreshId());
  request.mutable_route()->set_sealed_password(std::string(4096, 'x'));
  EXPECT_TRUE(Admin(&AdminStub::SetRoute, request).ok());
  request.set_request_id(FreshId());
  request.mutable_route()->set_sealed_password(std::string(4097, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(Admin(&AdminStub::SetRoute, request).status()));
  get.set_domain("other.example");
  EXPECT_EQ(Reason(Lookup(&LookupStub::GetRoute, get).status()), type::v1::ERROR_REASON_ROUTE_NOT_FOUND);
  for (const char* hop : {"", "host", "host:0", "host:99999", "unix:/x"}) {
    v1::SetRouteRequest bad;
    bad.set_request_id(FreshId());
    bad.mutable_route()->set_domain("relay.example");
    bad.mutable_route()->add_next_hops(hop);
    EXPECT_TRUE(absl::IsInvalidArgument(Admin(&AdminStub::SetRoute, bad).status())) << hop;
  }
  v1::DeleteRouteRequest remove;
  remove.set_request_id(FreshId());
  remove.set_domain("relay.example");
  EXPECT_TRUE(Admin(&AdminStub::DeleteRoute, remove).ok());
}

TEST_F(EditorTest, ARoutesPasswordIsReplacedWhereItIsStillTheOneThatWasRead) {
  v1::SetRouteRequest route;
  route.set_request_id(FreshId());
  route.mutable_route()->set_domain("relay.example");
  route.mutable_route()->add_next_hops("mx.relay.example:587");
  route.mutable_route()->set_user("mesh");
  route.mutable_route()->set_sealed_password("old");
  ASSERT_TRUE(Admin(&AdminStub::SetRoute, route).ok());
  v1::ReplaceRoutePasswordRequest request;
  request.set_domain("Relay.Example");
  request.set_old_sealed_password("old");
  request.set_new_sealed_password("new");
  const std::string id = FreshId();
  request.set_request_id(id);
  ASSERT_TRUE(Admin(&AdminStub::ReplaceRoutePassword, request).ok());
  EXPECT_TRUE(Admin(&AdminStub::ReplaceRoutePassword, request).ok()) << "repeated, it is answered as it was";
  v1::GetRouteRequest get;
  get.set_domain("relay.example");
  auto found = Lookup(&LookupStub::GetRoute, get);
  EXPECT_EQ(found->route().sealed_password(), "new");
  EXPECT_EQ(found->route().user(), "mesh");
  EXPECT_EQ(found->route().next_hops(0), "mx.relay.example:587");
  request.set_request_id(FreshId());
  EXPECT_EQ(Reason(Admin(&AdminStub::ReplaceRoutePassword, request).status()), type::v1::ERROR_REASON_NOT_ALLOWED);
  for (const std::string& bad : {std::string(), std::string(4097, 'x')}) {
    request.set_request_id(FreshId());
    request.set_old_sealed_password("new");
    request.set_new_sealed_password(bad);
    EXPECT_TRUE(absl::IsInvalidArgument(Admin(&AdminStub::ReplaceRoutePassword, request).status()));
  }
  request.set_new_sealed_password("newer");
  request.set_request_id(FreshId());
  request.set_domain("other.example");
  EXPECT_EQ(Reason(Admin(&AdminStub::ReplaceRoutePassword, request).status()), type::v1::ERROR_REASON_ROUTE_NOT_FOUND);
  // A route without credentials gets none by this.
  route.set_request_id(FreshId());
  route.mutable_route()->clear_user();
  route.mutable_route()->clear_sealed_password();
  ASSERT_TRUE(Admin(&AdminStub::SetRoute, route).ok());
  request.set_request_id(FreshId());
  request.set_domain("relay.example");
  request.clear_old_sealed_password();
  EXPECT_EQ(Reason(Admin(&AdminStub::ReplaceRoutePassword, request).status()), type::v1::ERROR_REASON_NOT_ALLOWED);
}

TEST_F(EditorTest, NewAccountsGoToTheEmptiestShard) {
  v1::SetShardRequest shard;
  shard.set_request_id(FreshId());
  shard.mutable_shard()->set_name("1");
  shard.mutable_shard()->set_endpoint("unix:/nowhere/1");
  ASSERT_TRUE(Admin(&AdminStub::SetShard, shard).ok());
  int on_one = 0;
  for (int i = 0; i < 10; ++i) on_one += AddAccount(absl::StrCat("u", i, "@example.org"))->shard() == "1";
  EXPECT_EQ(on_one, 5);
  v1::CreateAccountRequest request;
  request.set_request_id(FreshId());
  request.set_address("x@example.org");
  request.set_shard("nowhere");
  EXPECT_EQ(Reason(Admin(&AdminStub::CreateAccount, request).status()), type::v1::ERROR_REASON_BAD_NAME);
  EXPECT_EQ(Lookup(&LookupStub::ListShards, v1::ListShardsRequest())->shards_size(), 2);
}

TEST_F(EditorTest, AShardThatIsNotNamedAnyMoreIsForgottenOnceItIsEmpty) {
  const auto shards = [&] {
    std::vector<std::string> names;
    const auto map = Lookup(&LookupStub::ListShards, v1::ListShardsRequest());
    EXPECT_TRUE(map.ok());
    for (const auto& shard : map->shards()) names.push_back(shard.name());
    return names;
  };
  for (const char* name : {"1", "2"}) {
    v1::SetShardRequest shard;
    shard.set_request_id(FreshId());
    shard.mutable_shard()->set_name(name);
    shard.mutable_shard()->set_endpoint("unix:/nowhere/gone");
    ASSERT_TRUE(Admin(&AdminStub::SetShard, shard).ok());
  }
  v1::CreateAccountRequest account;
  account.set_request_id(FreshId());
  account.set_address("on.one@example.org");
  account.set_shard("1");
  ASSERT_TRUE(Admin(&AdminStub::CreateAccount, account).ok());
  StopDirectory();
  StartDirectory();  // its configuration names shard 0 alone
  EXPECT_EQ(shards(), (std::vector<std::string>{"0", "1"}));
  v1::DeleteAccountRequest removed;
  removed.set_request_id(FreshId());
  removed.set_address("on.one@example.org");
  ASSERT_TRUE(Admin(&AdminStub::DeleteAccount, removed).ok());
  StopDirectory();
  StartDirectory();
  EXPECT_EQ(shards(), (std::vector<std::string>{"0"}));
  EXPECT_EQ(AddAccount("x@example.org")->shard(), "0");
}

TEST_F(EditorTest, ListsArePaged) {
  ASSERT_TRUE(AddDomain("a.example").ok());
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(AddAccount(absl::StrCat("u", i, "@example.org")).ok());
  ASSERT_TRUE(AddAccount("x@a.example").ok());
  std::set<std::string> seen;
  v1::ListAccountsRequest request;
  request.set_page_size(10);
  request.set_domain("example.org");
  int pages = 0;
  do {
    auto page = Admin(&AdminStub::ListAccounts, request);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->accounts_size(), 10);
    for (const v1::Account& account : page->accounts()) EXPECT_TRUE(seen.insert(account.address()).second);
    request.set_page_token(page->next_page_token());
    ++pages;
  } while (!request.page_token().empty() && pages < 10);
  EXPECT_EQ(seen.size(), 25u);
  EXPECT_EQ(pages, 3);
  request.set_page_token("not hex");
  EXPECT_TRUE(absl::IsInvalidArgument(Admin(&AdminStub::ListAccounts, request).status()));
  EXPECT_EQ(Admin(&AdminStub::ListAccounts, v1::ListAccountsRequest())->accounts_size(), 26);
  EXPECT_EQ(Admin(&AdminStub::ListDomains, v1::ListDomainsRequest())->domains_size(), 2);
}

TEST_F(EditorTest, PasswordsAndHashes) {
  ASSERT_TRUE(AddAccount("alice@example.org").ok());
  EXPECT_TRUE(absl::IsInvalidArgument(SetPassword("alice@example.org", "")));
  EXPECT_TRUE(absl::IsInvalidArgument(SetPassword("alice@example.org", "\x07")));
  EXPECT_EQ(Reason(SetPassword("bob@example.org", "x")), type::v1::ERROR_REASON_ACCOUNT_NOT_FOUND);
  v1::SetPasswordRequest request;
  request.set_request_id(FreshId());
  request.set_address("alice@example.org");
  request.set_password_hash("$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG");
  EXPECT_TRUE(absl::IsInvalidArgument(Admin(&AdminStub::SetPassword, request).status()));
}

TEST_F(EditorTest, ANewerSchemaIsRefused) {
  StopDirectory();
  {
    auto database = kv::Database::Open({.path = config_.database().path()}, DirectoryColumns());
    ASSERT_TRUE(database.ok()) << database.status();
    kv::CommitPipeline pipeline(**database, {});
    auto store = Store::Open(**database, pipeline);
    ASSERT_TRUE(store.ok());
    storage::v1::DirectoryMeta meta;
    meta.set_schema_version(kSchemaVersion + 1);
    kv::Batch batch;
    (*store)->Put(batch, Table::kMeta, kMetaKey, meta);
    ASSERT_TRUE((*store)->Write(std::move(batch), true).ok());
    EXPECT_TRUE(absl::IsFailedPrecondition(Store::Open(**database, pipeline).status()));
  }
}

}  // namespace
}  // namespace mailmesh::directory
