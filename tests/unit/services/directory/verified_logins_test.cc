#include "services/directory/verified_logins.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/base/fake_clock.h"

namespace mailmesh::directory {
namespace {

sasl::Credentials Of(const std::string& account, uint64_t version = 1) {
  sasl::Credentials credentials;
  credentials.account_id = account;
  credentials.version = version;
  credentials.password_hash = "$hash";
  return credentials;
}

TEST(VerifiedLogins, KnowsOnlyWhatItWasTold) {
  base::FakeClock clock;
  VerifiedLogins logins({.clock = &clock});
  EXPECT_FALSE(logins.Knows(Of("1"), base::Secret("x")));
  logins.Remember(Of("1"), base::Secret("x"));
  EXPECT_TRUE(logins.Knows(Of("1"), base::Secret("x")));
  EXPECT_FALSE(logins.Knows(Of("1"), base::Secret("y")));
  EXPECT_FALSE(logins.Knows(Of("1", 2), base::Secret("x"))) << "the password was changed";
  EXPECT_FALSE(logins.Knows(Of("2"), base::Secret("x")));
  logins.Forget("1");
  EXPECT_FALSE(logins.Knows(Of("1"), base::Secret("x")));
}

TEST(VerifiedLogins, ForgetsByTimeAndBySize) {
  base::FakeClock clock;
  VerifiedLogins logins({.capacity = 10, .ttl = absl::Hours(1), .clock = &clock});
  logins.Remember(Of("1"), base::Secret("x"));
  clock.Advance(absl::Minutes(59));
  EXPECT_TRUE(logins.Knows(Of("1"), base::Secret("x"))) << "use does not prolong it";
  clock.Advance(absl::Minutes(1));
  EXPECT_FALSE(logins.Knows(Of("1"), base::Secret("x")));
  for (int i = 0; i < 100; ++i) {
    logins.Remember(Of("used"), base::Secret("x"));
    logins.Remember(Of(absl::StrCat("a", i)), base::Secret("x"));
  }
  EXPECT_EQ(logins.size(), 10u);
  EXPECT_TRUE(logins.Knows(Of("used"), base::Secret("x")));
}

}  // namespace
}  // namespace mailmesh::directory
