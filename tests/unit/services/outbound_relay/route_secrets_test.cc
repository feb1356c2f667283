#include "services/outbound_relay/route_secrets.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/rpc/status.h"

namespace mailmesh::outbound_relay {
namespace {

class RouteSecretsTest : public testing::Test {
 protected:
  RouteSecretsTest() {
    std::string pattern = testing::TempDir() + "/route_secrets_XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~RouteSecretsTest() override { std::filesystem::remove_all(folder_); }
  RouteSecrets Open() {
    auto opened = RouteSecrets::Open(folder_ + "/keys");
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }

  std::string folder_;
};

TEST_F(RouteSecretsTest, OpensForItsRouteOnly) {
  const RouteSecrets secrets = Open();
  const auto sealed = secrets.Seal("b.test", "mesh", base::Secret("hush"));
  ASSERT_TRUE(sealed.ok()) << sealed.status();
  EXPECT_EQ(secrets.Open("b.test", "mesh", *sealed)->Reveal(), "hush");
  EXPECT_TRUE(absl::IsDataLoss(secrets.Open("c.test", "mesh", *sealed).status()));
  EXPECT_TRUE(absl::IsDataLoss(secrets.Open("b.test", "other", *sealed).status()));
  EXPECT_TRUE(absl::IsDataLoss(secrets.Open("b.testmesh", "mesh", *sealed).status()));
}

TEST_F(RouteSecretsTest, AnyWayToWriteTheDomainIsTheSameRoute) {
  const RouteSecrets secrets = Open();
  const auto sealed = secrets.Seal("B\u00dcCHER.test", "mesh", base::Secret("hush"));
  ASSERT_TRUE(sealed.ok()) << sealed.status();
  EXPECT_TRUE(secrets.Open("xn--bcher-kva.test", "mesh", *sealed).ok());
}

TEST_F(RouteSecretsTest, ResealsUnderTheNewestKeyOfAnyProcess) {
  const RouteSecrets secrets = Open();
  const RouteSecrets other = Open();
  const std::string old = secrets.Seal("b.test", "mesh", base::Secret("hush")).value();
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(other.AddKey().ok());
    const auto fresh = secrets.Reseal("b.test", "mesh", old);
    ASSERT_TRUE(fresh.ok()) << fresh.status();
    EXPECT_NE(*fresh, old);
    EXPECT_EQ(*secrets.Reseal("b.test", "mesh", *fresh), *fresh) << round;
    EXPECT_EQ(other.Open("b.test", "mesh", *fresh)->Reveal(), "hush");
  }
}

TEST_F(RouteSecretsTest, Limits) {
  const RouteSecrets secrets = Open();
  const auto seal = [&](const std::string& domain, const std::string& user, const std::string& password) {
    return secrets.Seal(domain, user, base::Secret(password)).status();
  };
  EXPECT_TRUE(seal("b.test", std::string(512, 'u'), std::string(1024, 'p')).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(seal("b.test", std::string(513, 'u'), "p")));
  EXPECT_TRUE(absl::IsInvalidArgument(seal("b.test", "u", std::string(1025, 'p'))));
  EXPECT_TRUE(absl::IsInvalidArgument(seal("b.test", "u", "")));
  EXPECT_TRUE(absl::IsInvalidArgument(seal("b.test", "u", std::string("a\0b", 3))));
  EXPECT_TRUE(absl::IsInvalidArgument(seal("b.test", std::string("a\0b", 3), "p")));
  EXPECT_TRUE(absl::IsInvalidArgument(seal("b.test", "", "p")));
  EXPECT_TRUE(absl::IsInvalidArgument(seal("", "u", "p")));
  EXPECT_TRUE(absl::IsInvalidArgument(seal("b..test", "u", "p")));
}

TEST(RouteSecrets, WithoutARingThereIsNothing) {
  const auto secrets = RouteSecrets::Open("");
  ASSERT_TRUE(secrets.ok());
  for (const absl::Status& status : {secrets->Seal("b.test", "u", base::Secret("p")).status(), secrets->Open("b.test", "u", "x").status(),
                                     secrets->Reseal("b.test", "u", "x").status(), secrets->AddKey().status()}) {
    EXPECT_TRUE(rpc::HasReason(status, type::v1::ERROR_REASON_NOT_ALLOWED)) << status;
  }
}

}  // namespace
}  // namespace mailmesh::outbound_relay
