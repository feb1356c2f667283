#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
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

TEST_F(ResolverTest, LoopsEnd) {
  ASSERT_TRUE(AddAlias("a@example.org", {"b@example.org", "alice@example.org"}).ok());
  ASSERT_TRUE(AddAlias("b@example.org", {"a@example.org"}).ok());
  EXPECT_EQ(Targets("a@example.org"), alice_ + " ");
  EXPECT_EQ(Targets("b@example.org"), alice_ + " ");
  ASSERT_TRUE(AddAlias("self@example.org", {"self@example.org"}).ok());
  EXPECT_EQ(KindOf("self@example.org"), Kind::KIND_UNKNOWN_USER);
}

TEST_F(ResolverTest, DepthAndWidthAreBounded) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(AddAlias(absl::StrCat("d", i, "@example.org"),
                         {i == 19 ? std::string("alice@example.org") : absl::StrCat("d", i + 1, "@example.org")})
                    .ok());
  }
  EXPECT_EQ(KindOf("d5@example.org"), Kind::KIND_DELIVER);
  EXPECT_EQ(KindOf("d0@example.org"), Kind::KIND_UNSPECIFIED) << "temporary, for the mail is not to bounce";
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i) many.push_back(absl::StrCat("u", i, "@elsewhere.example"));
  ASSERT_TRUE(AddAlias("thousand@example.org", many).ok());
  EXPECT_EQ(Resolved("thousand@example.org").targets_size(), 1000);
  ASSERT_TRUE(AddAlias("more@example.org", {"thousand@example.org", "one@elsewhere.example"}).ok());
  EXPECT_EQ(KindOf("more@example.org"), Kind::KIND_UNSPECIFIED);
  many.push_back("x@elsewhere.example");
  EXPECT_TRUE(absl::IsInvalidArgument(AddAlias("toomany@example.org", many)));
}

TEST_F(ResolverTest, CatchAllTakesWhatIsNotThere) {
  ASSERT_TRUE(AddAlias("@example.org", {"bob@example.org"}).ok());
  EXPECT_EQ(Targets("whoever@example.org"), bob_ + " ");
  EXPECT_EQ(Targets("alice@example.org"), alice_ + " ");
  EXPECT_EQ(Targets("alice+tag@example.org"), alice_ + " ");
  EXPECT_TRUE(Owns(bob_, "whoever@example.org"));
  EXPECT_FALSE(Owns(bob_, "alice@example.org"));
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
