#include "services/fetcher/maildrop.h"

#include <gtest/gtest.h>

namespace mailmesh::fetcher {
namespace {

TEST(Maildrop, KeepsTheOrderOfNumbersAndTheFirstOfTwins) {
  Maildrop drop;
  drop.Add(3, "c");
  drop.Add(1, "a");
  drop.Add(2, "b");
  drop.Add(1, "again");
  drop.Seal();
  ASSERT_EQ(drop.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(drop.number(i), i + 1);
    EXPECT_EQ(drop.unique_id(i), std::string(1, static_cast<char>('a' + i)));
  }
}

TEST(Maildrop, Sizes) {
  Maildrop drop;
  drop.Add(1, "a");
  drop.Add(5, "b");
  drop.Seal();
  drop.SetSize(5, uint64_t{1} << 40);
  drop.SetSize(4, 7);
  drop.SetSize(6, 7);
  EXPECT_EQ(drop.size_bytes(0), 0u);
  EXPECT_EQ(drop.size_bytes(1), uint64_t{1} << 40);
}

TEST(Maildrop, AnIdIsSeenForAllMessagesThatHaveIt) {
  Maildrop drop;
  drop.Add(1, "same");
  drop.Add(2, "other");
  drop.Add(3, "same");
  drop.Seal();
  EXPECT_FALSE(drop.MarkSeen("sam"));
  EXPECT_FALSE(drop.MarkSeen("same "));
  EXPECT_EQ(drop.seen_count(), 0u);
  EXPECT_TRUE(drop.MarkSeen("same"));
  EXPECT_TRUE(drop.MarkSeen("same"));
  EXPECT_EQ(drop.seen_count(), 2u);
  EXPECT_TRUE(drop.seen(0));
  EXPECT_FALSE(drop.seen(1));
  EXPECT_TRUE(drop.seen(2));
}

TEST(Maildrop, AnEmptyOneKnowsNothing) {
  Maildrop drop;
  drop.Seal();
  EXPECT_EQ(drop.size(), 0u);
  EXPECT_FALSE(drop.MarkSeen(""));
}

TEST(Maildrop, FiftyThousand) {
  Maildrop drop;
  constexpr uint32_t kMany = 50'000;
  for (uint32_t i = kMany; i > 0; --i) drop.Add(i, "id-" + std::to_string(i * 7919 % kMany));
  drop.Seal();
  for (uint32_t i = 0; i < kMany; i += 2) EXPECT_TRUE(drop.MarkSeen("id-" + std::to_string(i)));
  EXPECT_EQ(drop.seen_count(), kMany / 2);
}

}  // namespace
}  // namespace mailmesh::fetcher
