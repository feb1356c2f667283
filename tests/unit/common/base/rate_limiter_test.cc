#include "common/base/rate_limiter.h"

#include <gtest/gtest.h>

#include "common/base/fake_clock.h"

namespace mailmesh::base {
namespace {

class RateLimiterTest : public testing::Test {
 protected:
  RateLimiter Make(uint32_t burst, size_t max_keys = 1000) {
    return RateLimiter({.burst = burst, .period = std::chrono::seconds(60), .max_keys = max_keys, .clock = &clock_});
  }
  FakeClock clock_;
};

TEST_F(RateLimiterTest, ABurstThenEvenly) {
  RateLimiter limiter = Make(3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(limiter.Exhausted("a"));
    EXPECT_TRUE(limiter.Take("a")) << i;
  }
  EXPECT_TRUE(limiter.Exhausted("a"));
  EXPECT_FALSE(limiter.Take("a"));
  EXPECT_TRUE(limiter.Take("b")) << "the other's bucket is its own";
  clock_.Advance(absl::Seconds(19.9));
  EXPECT_FALSE(limiter.Take("a")) << "what was refused took nothing, and gave nothing";
  clock_.Advance(absl::Seconds(0.1));
  EXPECT_TRUE(limiter.Take("a"));
  EXPECT_FALSE(limiter.Take("a"));
  clock_.Advance(absl::Hours(1));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limiter.Take("a"));
  EXPECT_FALSE(limiter.Take("a")) << "a bucket holds no more than one period's worth";
}

TEST_F(RateLimiterTest, NoLimit) {
  RateLimiter limiter = Make(0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limiter.Take("a"));
  EXPECT_EQ(limiter.keys(), 0u);
}

TEST_F(RateLimiterTest, MemoryIsBoundedAndFullBucketsGoFirst) {
  RateLimiter limiter = Make(2, 100);
  for (int i = 0; i < 99; ++i) EXPECT_TRUE(limiter.Take("full" + std::to_string(i)));
  clock_.Advance(absl::Seconds(40));
  EXPECT_TRUE(limiter.Take("busy"));
  EXPECT_TRUE(limiter.Take("busy"));
  EXPECT_EQ(limiter.keys(), 100u);
  EXPECT_TRUE(limiter.Take("new"));
  EXPECT_EQ(limiter.keys(), 2u);
  EXPECT_FALSE(limiter.Take("busy")) << "a bucket that is not full is remembered";
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(limiter.Take("flood" + std::to_string(i)));
  EXPECT_LE(limiter.keys(), 100u);
}

}  // namespace
}  // namespace mailmesh::base
