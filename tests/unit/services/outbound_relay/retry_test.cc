#include "services/outbound_relay/retry.h"

#include <gtest/gtest.h>

namespace mailmesh::outbound_relay {
namespace {

TEST(RetryInterval, DoublesFromTheShortestToTheLongest) {
  const absl::Duration shortest = absl::Minutes(5);
  const absl::Duration longest = absl::Hours(4);
  // In the middle of the spread nothing is added or taken.
  EXPECT_EQ(RetryInterval(shortest, longest, 1, 0.5), absl::Minutes(5));
  EXPECT_EQ(RetryInterval(shortest, longest, 2, 0.5), absl::Minutes(10));
  EXPECT_EQ(RetryInterval(shortest, longest, 6, 0.5), absl::Minutes(160));
  EXPECT_EQ(RetryInterval(shortest, longest, 7, 0.5), absl::Hours(4));
  EXPECT_EQ(RetryInterval(shortest, longest, 1'000'000, 0.5), absl::Hours(4));
}

TEST(RetryInterval, IsSpreadByTwentyPercent) {
  EXPECT_EQ(RetryInterval(absl::Seconds(100), absl::Hours(1), 1, 0.0), absl::Seconds(80));
  EXPECT_LT(RetryInterval(absl::Seconds(100), absl::Hours(1), 1, 0.999), absl::Seconds(120));
  EXPECT_GT(RetryInterval(absl::Seconds(100), absl::Hours(1), 1, 0.999), absl::Seconds(119));
}

}  // namespace
}  // namespace mailmesh::outbound_relay
