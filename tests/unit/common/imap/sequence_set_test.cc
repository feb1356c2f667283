#include "common/imap/sequence_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmesh::imap {
namespace {

using ::testing::ElementsAre;

std::string Normal(std::string_view text, uint32_t largest, bool limit = false) {
  const auto set = SequenceSet::Parse(text);
  return set.ok() ? set->Resolve(largest, limit).ToString() : "error";
}

TEST(SequenceSetTest, KeepsWhatWasWritten) {
  for (const char* text : {"1", "*", "1:*", "*:1", "5,3,1", "4:2", "1,2,3", "4294967295", "$"}) {
    const auto set = SequenceSet::Parse(text);
    ASSERT_TRUE(set.ok()) << text;
    EXPECT_EQ(set->ToString(), text);
  }
}

TEST(SequenceSetTest, RefusesWhatIsNoSet) {
  for (const char* text : {"", "0", "01", "1,", ",1", "1:", ":1", "1:2:3", "a", "1 ", "-1", "+1", "4294967296", "$,1", "1,$", "**"}) {
    EXPECT_FALSE(SequenceSet::Parse(text).ok()) << text;
  }
}

TEST(SequenceSetTest, Resolves) {
  EXPECT_EQ(Normal("5,3,1,2", 10), "1:3,5");
  EXPECT_EQ(Normal("4:2,3:7", 10), "2:7");
  EXPECT_EQ(Normal("*", 10), "10");
  EXPECT_EQ(Normal("7:*", 10), "7:10");
  EXPECT_EQ(Normal("*:7", 10), "7:10");
  // RFC 9051, 6.4.8: includes the largest even when that is smaller.
  EXPECT_EQ(Normal("559:*", 10), "10:559");
  EXPECT_EQ(Normal("559:*", 10, true), "10");
  EXPECT_EQ(Normal("1:4294967295", 10, true), "1:10");
  EXPECT_EQ(Normal("1:4294967295,4294967295:*", 10), "1:4294967295");
  EXPECT_EQ(Normal("1:*", 0), "");
  EXPECT_EQ(Normal("3", 0), "3");
}

TEST(SequenceSetTest, LooksUpCountsAndIterates) {
  const SequenceSet set = SequenceSet::Parse("2:4,9,4294967290:4294967295")->Resolve(1);
  EXPECT_FALSE(set.Contains(1));
  EXPECT_TRUE(set.Contains(2));
  EXPECT_TRUE(set.Contains(4));
  EXPECT_FALSE(set.Contains(5));
  EXPECT_TRUE(set.Contains(4294967295u));
  EXPECT_EQ(set.Count(), 10u);
  EXPECT_THAT(std::vector<uint32_t>(set.begin(), set.end()),
              ElementsAre(2, 3, 4, 9, 4294967290u, 4294967291u, 4294967292u, 4294967293u, 4294967294u, 4294967295u));
  EXPECT_EQ(SequenceSet::Parse("1:4294967295")->Resolve(5).Count(), 4294967295u);
  const SequenceSet none;
  EXPECT_TRUE(none.begin() == none.end());
}

TEST(SequenceSetTest, GrowsInOrder) {
  SequenceSet set;
  for (uint32_t n : {1u, 2u, 3u, 7u, 8u, 20u}) set.Add(n);
  EXPECT_EQ(set.ToString(), "1:3,7:8,20");
  set.AddRange(4294967294u, 4294967295u);
  set.Add(4294967295u);
  EXPECT_EQ(set.ToString(), "1:3,7:8,20,4294967294:4294967295");
}

TEST(SequenceSetTest, BoundsTheRanges) {
  std::string text = "1";
  for (int i = 1; i < 100; ++i) text += "," + std::to_string(2 * i + 1);
  EXPECT_TRUE(SequenceSet::Parse(text, 101).ok());
  EXPECT_TRUE(SequenceSet::Parse(text, 100).ok());
  EXPECT_FALSE(SequenceSet::Parse(text, 99).ok());
}

}  // namespace
}  // namespace mailmesh::imap
