#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/rpc/status.h"
#include "tests/unit/services/directory/directory_fixture.h"

namespace mailmesh::directory {
namespace {

using Kind = v1::RecipientResolution;

class ResolverTest : public DirectoryFixture {
 protected:
  void SetUp() override {
    StartDirectory();
    ASSERT_TRUE(AddDomain("example.org").ok());
    ASSERT_TRUE(AddDomain("relayed.example", v1::DOMAIN_KIND_RELAY).ok());
    alice_ = AddAccount("alice@example.org")->account_id();
    bob_ = AddAccount("bob@example.org")->account_id();
    carol_ = AddAccount("carol@relayed.example")->account_id();
  }

  v1::RecipientResolution Resolved(const std::string& address) {
    auto resolution = Resolve(address);
    EXPECT_TRUE(resolution.ok()) << resolution.status();
    return resolution.ok() ? *resolution : v1::RecipientResolution();
  }
  Kind::Kind KindOf(const std::string& address) {
    return Resolved(address).kind();
  }
  // Account ids and addresses, joined.
  std::string Targets(const std::string& address) {
    std::string text;
    v1::RecipientResolution resolution = Resolved(address);
    for (const v1::DeliveryTarget& target : resolution.targets()) {
      absl::StrAppend(&text, target.account_id().empty() ? target.address() : target.account_id(), " ");
    }
    return text;
  }

  static bool NotAllowed(const absl::Status& status) {
    return rpc::ReasonOf(status) == type::v1::ERROR_REASON_NOT_ALLOWED;
  }
  std::string CatchAllOf(const std::string& name) {
    auto list = Admin(&v1::DirectoryAdminService::Stub::ListDomains, v1::ListDomainsRequest());
    EXPECT_TRUE(list.ok()) << list.status();
    for (const v1::Domain& domain : list->domains()) {
      if (domain.name() == name) return absl::StrJoin(domain.catch_all(), " ");
    }
    return "no such domain";
  }

  std::string alice_, bob_, carol_;
};

TEST_F(ResolverTest, Kinds) {
  EXPECT_EQ(KindOf("alice@example.org"), Kind::KIND_DELIVER);
  EXPECT_EQ(KindOf("ALICE@EXAMPLE.ORG"), Kind::KIND_DELIVER);
  EXPECT_EQ(KindOf("nobody@example.org"), Kind::KIND_UNKNOWN_USER);
  EXPECT_EQ(KindOf("anybody@relayed.example"), Kind::KIND_RELAY);
  EXPECT_EQ(KindOf("carol@relayed.example"), Kind::KIND_RELAY) << "its accounts log in; they do not receive";
  EXPECT_EQ(KindOf("anybody@elsewhere.example"), Kind::KIND_REMOTE);
  EXPECT_EQ(KindOf("a@[192.0.2.1]"), Kind::KIND_REMOTE);
  EXPECT_EQ(KindOf("no address"), Kind::KIND_BAD_ADDRESS);
  EXPECT_EQ(KindOf(""), Kind::KIND_BAD_ADDRESS);
  v1::RecipientResolution resolution = Resolved("alice@example.org");
  EXPECT_EQ(resolution.targets(0).account_id(), alice_);
  EXPECT_EQ(resolution.targets(0).shard(), "0");
  EXPECT_EQ(Targets("Any.Body@relayed.example"), "Any.Body@relayed.example ");
}

TEST_F(ResolverTest, TagsLeadToTheSameAccount) {
  EXPECT_EQ(Targets("alice+news@example.org"), alice_ + " ");
  EXPECT_EQ(Resolved("alice+news@example.org").targets(0).mailbox(), "");
  EXPECT_EQ(KindOf("nobody+news@example.org"), Kind::KIND_UNKNOWN_USER);
  EXPECT_TRUE(Owns(alice_, "alice+news@example.org"));
}

TEST_F(ResolverTest, AliasesToSeveral) {
  ASSERT_TRUE(AddAlias("team@example.org", {"alice@example.org", "bob+x@example.org", "Ext@elsewhere.example"}).ok());
  EXPECT_EQ(KindOf("team@example.org"), Kind::KIND_DELIVER);
  std::string targets = Targets("Team+tag@example.org");
  EXPECT_NE(targets.find(alice_), std::string::npos);
  EXPECT_NE(targets.find(bob_), std::string::npos);
  EXPECT_NE(targets.find("Ext@elsewhere.example "), std::string::npos);
  // Nested, with the same person twice: one copy.
  ASSERT_TRUE(AddAlias("all@example.org", {"team@example.org", "alice@example.org"}).ok());
  EXPECT_EQ(Resolved("all@example.org").targets_size(), 3);
  EXPECT_TRUE(Owns(alice_, "all@example.org"));
  EXPECT_FALSE(Owns(carol_, "all@example.org"));
  // A target that is not there any more is left out; one that is nothing but such is unknown.
  ASSERT_TRUE(AddAlias("dead@example.org", {"gone@example.org"}).ok());
  EXPECT_EQ(KindOf("dead@example.org"), Kind::KIND_UNKNOWN_USER);
}

TEST_F(ResolverTest, LoopsAreRefused) {
  EXPECT_TRUE(NotAllowed(AddAlias("self@example.org", {"Self@EXAMPLE.org"})));
  EXPECT_TRUE(NotAllowed(AddAlias("self@example.org", {"self+tag@example.org"})));
  ASSERT_TRUE(AddAlias("a@example.org", {"b@example.org", "alice@example.org"}).ok());
  ASSERT_TRUE(AddAlias("b@example.org", {"c@example.org"}).ok());
  absl::Status status = AddAlias("c@example.org", {"bob@example.org", "a@example.org"});
  EXPECT_TRUE(NotAllowed(status));
  EXPECT_NE(status.message().find("b@example.org"), std::string::npos) << "it says where: " << status;
  EXPECT_EQ(Targets("a@example.org"), alice_ + " ");
  // By way of a relay domain, whose aliases count for senders.
  ASSERT_TRUE(AddAlias("x@relayed.example", {"y@example.org"}).ok());
  EXPECT_TRUE(NotAllowed(AddAlias("y@example.org", {"x@relayed.example"})));
  // What a catch-all would take leads back to it.
  EXPECT_TRUE(NotAllowed(AddAlias("@example.org", {"nobody@example.org"})));
  ASSERT_TRUE(AddAlias("@example.org", {"alice@example.org"}).ok());
}

TEST_F(ResolverTest, LoopsThatCameAboutLaterEnd) {
  ASSERT_TRUE(AddAlias("@example.org", {"bob@example.org", "alice@example.org"}).ok());
  v1::DeleteAccountRequest request;
  request.set_request_id(FreshId());
  request.set_address("bob@example.org");
  ASSERT_TRUE(Admin(&v1::DirectoryAdminService::Stub::DeleteAccount, request).ok());
  EXPECT_EQ(Targets("bob@example.org"), alice_ + " ");
}

TEST_F(ResolverTest, DepthAndWidthAreBounded) {
  auto chain = [](int i) { return absl::StrCat("d", i, "@example.org"); };
  // From the end to the front, so that each is checked with all that is behind it: d3 leads over 16 aliases to alice.
  ASSERT_TRUE(AddAlias(chain(18), {"alice@example.org"}).ok());
  for (int i = 17; i >= 3; --i) ASSERT_TRUE(AddAlias(chain(i), {chain(i + 1)}).ok()) << i;
  EXPECT_EQ(KindOf(chain(3)), Kind::KIND_DELIVER);
  EXPECT_TRUE(NotAllowed(AddAlias(chain(2), {chain(3)})));
  // One that became too long by what was put at its end.
  ASSERT_TRUE(AddAlias(chain(18), {chain(19)}).ok());
  ASSERT_TRUE(AddAlias(chain(19), {"alice@example.org"}).ok());
  EXPECT_EQ(KindOf(chain(4)), Kind::KIND_DELIVER);
  EXPECT_EQ(KindOf(chain(3)), Kind::KIND_UNSPECIFIED) << "temporary, for the mail is not to bounce";
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i) many.push_back(absl::StrCat("u", i, "@elsewhere.example"));
  ASSERT_TRUE(AddAlias("thousand@example.org", many).ok());
  EXPECT_EQ(Resolved("thousand@example.org").targets_size(), 1000);
  ASSERT_TRUE(AddAlias("same@example.org", {"thousand@example.org", "u1@elsewhere.example"}).ok());
  EXPECT_EQ(Resolved("same@example.org").targets_size(), 1000);
  EXPECT_TRUE(NotAllowed(AddAlias("more@example.org", {"thousand@example.org", "one@elsewhere.example"})));
  many.push_back("x@elsewhere.example");
  EXPECT_TRUE(absl::IsInvalidArgument(AddAlias("toomany@example.org", many)));
}

TEST_F(ResolverTest, WorkIsBounded) {
  // 11 aliases of 1,000 users that are not there: no target, yet many look-ups.
  std::vector<std::string> all;
  for (int alias = 0; alias < 11; ++alias) {
    std::vector<std::string> nobodies;
    for (int i = 0; i < 1000; ++i) nobodies.push_back(absl::StrCat("n", alias, "-", i, "@example.org"));
    std::string name = absl::StrCat("none", alias, "@example.org");
    ASSERT_TRUE(AddAlias(name, nobodies).ok());
    EXPECT_EQ(KindOf(name), Kind::KIND_UNKNOWN_USER);
    all.push_back(name);
  }
  EXPECT_TRUE(NotAllowed(AddAlias("all@example.org", all)));
  all.resize(9);
  EXPECT_TRUE(AddAlias("all@example.org", all).ok());
}

TEST_F(ResolverTest, TargetsInOtherDomainsGoToTheRelay) {
  ASSERT_TRUE(AddAlias("out@example.org", {"Any.One@relayed.example", "Ext@elsewhere.example", "carol@relayed.example"}).ok());
  v1::RecipientResolution resolution = Resolved("out@example.org");
  EXPECT_EQ(resolution.kind(), Kind::KIND_DELIVER);
  ASSERT_EQ(resolution.targets_size(), 3);
  for (const v1::DeliveryTarget& target : resolution.targets()) {
    EXPECT_EQ(target.account_id(), "");
    EXPECT_EQ(target.shard(), "");
  }
  EXPECT_EQ(resolution.targets(0).address(), "Any.One@relayed.example");
}

TEST_F(ResolverTest, ADomainChoosesItsSeparators) {
  v1::UpdateDomainRequest request;
  request.set_request_id(FreshId());
  request.set_name("Example.ORG");
  request.set_subaddress_separators("-=");
  auto updated = Admin(&v1::DirectoryAdminService::Stub::UpdateDomain, request);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->domain().subaddress_separators(), "-=");
  EXPECT_EQ(KindOf("alice+news@example.org"), Kind::KIND_UNKNOWN_USER);
  EXPECT_EQ(Targets("alice-news@example.org"), alice_ + " ");
  EXPECT_EQ(Targets("alice=a-b@example.org"), alice_ + " ");
  // The address as it is comes first.
  auto exact = AddAccount("alice-exact@example.org");
  ASSERT_TRUE(exact.ok());
  EXPECT_EQ(Targets("Alice-Exact@example.org"), exact->account_id() + " ");
  EXPECT_TRUE(Owns(alice_, "alice-other@example.org"));
  EXPECT_FALSE(Owns(alice_, "alice-exact@example.org"));
  // None at all; kept over a restart; other domains keep theirs.
  request.set_request_id(FreshId());
  request.set_subaddress_separators("");
  ASSERT_TRUE(Admin(&v1::DirectoryAdminService::Stub::UpdateDomain, request).ok());
  StopDirectory();
  StartDirectory();
  EXPECT_EQ(KindOf("alice-news@example.org"), Kind::KIND_UNKNOWN_USER);
  EXPECT_TRUE(Owns(carol_, "carol+news@relayed.example"));
}

TEST_F(ResolverTest, CatchAllTakesWhatIsNotThere) {
  ASSERT_TRUE(AddAlias("@example.org", {"bob@example.org"}).ok());
  EXPECT_EQ(Targets("whoever@example.org"), bob_ + " ");
  EXPECT_EQ(Targets("alice@example.org"), alice_ + " ");
  EXPECT_EQ(Targets("alice+tag@example.org"), alice_ + " ");
  EXPECT_TRUE(Owns(bob_, "whoever@example.org"));
  EXPECT_FALSE(Owns(bob_, "alice@example.org"));
  // The same by the domain, which is one record with it.
  EXPECT_EQ(CatchAllOf("example.org"), "bob@example.org");
  v1::UpdateDomainRequest request;
  request.set_request_id(FreshId());
  request.set_name("example.org");
  request.mutable_catch_all()->add_targets("alice@example.org");
  ASSERT_TRUE(Admin(&v1::DirectoryAdminService::Stub::UpdateDomain, request).ok());
  EXPECT_EQ(Targets("whoever@example.org"), alice_ + " ");
  EXPECT_EQ(CatchAllOf("example.org"), "alice@example.org");
  request.set_request_id(FreshId());
  request.clear_catch_all();
  request.set_subaddress_separators("-");
  auto updated = Admin(&v1::DirectoryAdminService::Stub::UpdateDomain, request);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->domain().catch_all(0), "alice@example.org") << "what is not named stays";
  request.set_request_id(FreshId());
  request.mutable_catch_all();
  ASSERT_TRUE(Admin(&v1::DirectoryAdminService::Stub::UpdateDomain, request).ok());
  EXPECT_EQ(KindOf("whoever@example.org"), Kind::KIND_UNKNOWN_USER);
  EXPECT_EQ(CatchAllOf("example.org"), "");
}

TEST_F(ResolverTest, ADomainMayBeMadeWithItsCatchAll) {
  v1::CreateDomainRequest request;
  request.set_request_id(FreshId());
  request.mutable_domain()->set_name("b\xC3\xBC" "cher.example");
  request.mutable_domain()->set_kind(v1::DOMAIN_KIND_LOCAL);
  request.mutable_domain()->add_catch_all("x@b\xC3\xBC" "cher.example");
  EXPECT_TRUE(NotAllowed(Admin(&v1::DirectoryAdminService::Stub::CreateDomain, request).status()));
  request.set_request_id(FreshId());
  request.mutable_domain()->set_catch_all(0, "alice+books@example.org");
  ASSERT_TRUE(Admin(&v1::DirectoryAdminService::Stub::CreateDomain, request).ok());
  EXPECT_EQ(Targets("any@xn--bcher-kva.example"), alice_ + " ");
  EXPECT_EQ(Targets("any@B\xC3\x9C" "CHER.example"), alice_ + " ");
}

TEST_F(ResolverTest, PostmasterIsAlwaysSomebody) {
  EXPECT_EQ(KindOf("postmaster"), Kind::KIND_UNKNOWN_USER);
  ASSERT_TRUE(AddDomain("another.example").ok());
  ASSERT_TRUE(AddAlias("postmaster@example.org", {"alice@example.org"}).ok());
  EXPECT_EQ(Targets("Postmaster"), alice_ + " ");
  EXPECT_EQ(Targets("postmaster@another.example"), alice_ + " ");
}

TEST_F(ResolverTest, DisabledAccounts) {
  v1::SetAccountDisabledRequest request;
  request.set_request_id(FreshId());
  request.set_address("alice@example.org");
  request.set_disabled(true);
  ASSERT_TRUE(Admin(&v1::DirectoryAdminService::Stub::SetAccountDisabled, request).ok());
  EXPECT_EQ(KindOf("alice@example.org"), Kind::KIND_DISABLED);
  ASSERT_TRUE(AddAlias("both@example.org", {"alice@example.org", "bob@example.org"}).ok());
  EXPECT_EQ(Targets("both@example.org"), bob_ + " ");
  EXPECT_FALSE(Owns(alice_, "alice@example.org"));
  request.set_request_id(FreshId());
  request.set_disabled(false);
  ASSERT_TRUE(Admin(&v1::DirectoryAdminService::Stub::SetAccountDisabled, request).ok());
  EXPECT_EQ(KindOf("alice@example.org"), Kind::KIND_DELIVER);
}

TEST_F(ResolverTest, SendersOwnWhatReachesThem) {
  EXPECT_TRUE(Owns(alice_, ""));
  EXPECT_TRUE(Owns(alice_, "alice@example.org"));
  EXPECT_FALSE(Owns(alice_, "bob@example.org"));
  EXPECT_FALSE(Owns(alice_, "alice@elsewhere.example"));
  EXPECT_FALSE(Owns(alice_, "nobody@example.org"));
  EXPECT_TRUE(Owns(carol_, "carol@relayed.example"));
  EXPECT_FALSE(Owns(carol_, "dave@relayed.example"));
  ASSERT_TRUE(AddAlias("sales@relayed.example", {"carol@relayed.example"}).ok());
  EXPECT_TRUE(Owns(carol_, "sales@relayed.example"));
}

}  // namespace
}  // namespace mailmesh::directory
