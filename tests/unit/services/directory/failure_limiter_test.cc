#include "services/directory/failure_limiter.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/base/fake_clock.h"

namespace mailmesh::directory {
namespace {

constexpr char kUser[] = "alice@example.org";

TEST(FailureLimiter, SlowsTheAccountWhereverTheyComeFrom) {
  base::FakeClock clock;
  FailureLimiter limiter({.clock = &clock});
  absl::Duration last;
  for (int i = 0; i < 20; ++i) {
    absl::Duration delay = limiter.OnResult(kUser, absl::StrCat("192.0.2.", i), false);
    EXPECT_GE(delay, last);
    EXPECT_LE(delay, absl::Seconds(5));
    if (i < 3) {
      EXPECT_EQ(delay, absl::ZeroDuration()) << i;
    }
    last = delay;
  }
  EXPECT_EQ(last, absl::Seconds(5));
  // In whatever case it is written; another account is free.
  EXPECT_EQ(limiter.OnResult("ALICE@example.org", "203.0.113.1", false), absl::Seconds(5));
  EXPECT_EQ(limiter.OnResult("bob@example.org", "203.0.113.1", false), absl::ZeroDuration());
}

TEST(FailureLimiter, ARightPasswordIsHeldBackButNeverForLong) {
  base::FakeClock clock;
  FailureLimiter limiter({.clock = &clock});
  for (int i = 0; i < 1000; ++i) limiter.OnResult(kUser, "192.0.2.1", false);
  EXPECT_EQ(limiter.OnResult(kUser, "203.0.113.1", true), absl::Seconds(5));
  // From now on this place is known: what others do to the account does not slow it.
  for (int i = 0; i < 1000; ++i) limiter.OnResult(kUser, "192.0.2.1", false);
  EXPECT_EQ(limiter.OnResult(kUser, "203.0.113.1", true), absl::ZeroDuration());
  // But a guess from there is slowed like any.
  EXPECT_EQ(limiter.OnResult(kUser, "203.0.113.1", false), absl::Seconds(5));
  // It fades.
  clock.Advance(absl::Hours(2));
  EXPECT_EQ(limiter.OnResult(kUser, "198.51.100.1", true), absl::ZeroDuration());
}

TEST(FailureLimiter, SlowsTheAddressWhoeverIsTried) {
  base::FakeClock clock;
  FailureLimiter limiter({.clock = &clock});
  absl::Duration delay;
  for (int i = 0; i < 40; ++i) delay = limiter.OnResult(absl::StrCat("user", i), "192.0.2.1", false);
  EXPECT_EQ(delay, absl::Seconds(5));
  EXPECT_EQ(limiter.OnResult("other", "192.0.2.2", false), absl::ZeroDuration());
  // IPv6: the network counts, not the address.
  for (int i = 1; i < 40; ++i) delay = limiter.OnResult(absl::StrCat("six", i), absl::StrCat("2001:db8::", i), false);
  EXPECT_EQ(delay, absl::Seconds(5));
  EXPECT_EQ(limiter.OnResult("other6", "2001:db8:0:1::1", false), absl::ZeroDuration());
  // A proxy on this machine does not count.
  for (int i = 0; i < 40; ++i) delay = limiter.OnResult(absl::StrCat("local", i), "127.0.0.1", false);
  EXPECT_EQ(delay, absl::ZeroDuration());
}

TEST(FailureLimiter, ManyConnectionsOfOneAddressDoNotHelp) {
  base::FakeClock clock;
  FailureLimiter limiter({.clock = &clock});
  // Before anything has failed, as many as come: an office behind one address.
  std::vector<FailureLimiter::Attempt> office;
  for (int i = 0; i < 100; ++i) {
    auto attempt = limiter.Begin("192.0.2.1");
    ASSERT_TRUE(attempt.has_value());
    office.push_back(*std::move(attempt));
  }
  office.clear();
  for (int i = 0; i < 10; ++i) limiter.OnResult(absl::StrCat("user", i), "192.0.2.1", false);
  std::vector<FailureLimiter::Attempt> four;
  for (int i = 0; i < 4; ++i) {
    auto attempt = limiter.Begin("192.0.2.1");
    ASSERT_TRUE(attempt.has_value()) << i;
    four.push_back(*std::move(attempt));
  }
  EXPECT_FALSE(limiter.Begin("192.0.2.1").has_value());
  EXPECT_TRUE(limiter.Begin("192.0.2.2").has_value()) << "others do not suffer";
  EXPECT_TRUE(limiter.Begin("127.0.0.1").has_value()) << "a web mail on this machine";
  four.pop_back();
  EXPECT_TRUE(limiter.Begin("192.0.2.1").has_value());
  // It fades: ten failures are nine after a minute.
  clock.Advance(absl::Minutes(1));
  auto fifth = limiter.Begin("192.0.2.1");
  EXPECT_TRUE(fifth.has_value());
}

TEST(FailureLimiter, MemoryIsBounded) {
  base::FakeClock clock;
  FailureLimiter limiter({.capacity = 100, .clock = &clock});
  for (int i = 0; i < 10'000; ++i) limiter.OnResult(absl::StrCat("user", i), absl::StrCat("10.0.", i / 250, ".", i % 250), i % 2);
  EXPECT_LE(limiter.size(), 300u);
}

}  // namespace
}  // namespace mailmesh::directory
