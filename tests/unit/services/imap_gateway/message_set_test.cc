#include "services/imap_gateway/message_set.h"

#include <gtest/gtest.h>

#include "services/imap_gateway/view/version_builder.h"

namespace mailmesh::imap_gateway {
namespace {

const Version kEmpty;

VersionPtr Make(std::initializer_list<uint32_t> uids) {
  VersionBuilder builder(kEmpty);
  for (uint32_t uid : uids) builder.Put({uid, 0, 1});
  return builder.Build();
}

std::string Resolve(const char* text, bool uid, const Version& known) {
  const std::optional<imap::SequenceSet> set = ResolveSet(*imap::SequenceSet::Parse(text), uid, known);
  return set.has_value() ? set->ToString() : "wrong";
}

TEST(MessageSetTest, SequenceNumbersMustExist) {
  const VersionPtr known = Make({3, 7, 8, 20});
  EXPECT_EQ(Resolve("1:*", false, *known), "1:4");
  EXPECT_EQ(Resolve("*", false, *known), "4");
  EXPECT_EQ(Resolve("4:*", false, *known), "4");
  EXPECT_EQ(Resolve("3:2,1", false, *known), "1:3");
  EXPECT_EQ(Resolve("5", false, *known), "wrong");
  EXPECT_EQ(Resolve("2:5", false, *known), "wrong");
  EXPECT_EQ(Resolve("5:*", false, *known), "wrong");
  EXPECT_EQ(Resolve("1:*", false, Version()), "wrong");
}

TEST(MessageSetTest, UidsNeedNotExist) {
  const VersionPtr known = Make({3, 7, 8, 20});
  EXPECT_EQ(Resolve("1:*", true, *known), "1:4");
  EXPECT_EQ(Resolve("4:8", true, *known), "2:3");
  EXPECT_EQ(Resolve("9:19", true, *known), "");
  EXPECT_EQ(Resolve("500:*", true, *known), "4");  // RFC 3501, 6.4.8
  EXPECT_EQ(Resolve("1:*", true, Version()), "");
}

TEST(MessageSetTest, ToUidsAndBack) {
  const VersionPtr known = Make({3, 7, 8, 20});
  const imap::SequenceSet some = *imap::SequenceSet::Parse("1:2,4");
  EXPECT_EQ(ToUids(some, *known).ToString(), "3:7,20");
  EXPECT_EQ(ToSequences(ToUids(some, *known), *known).ToString(), "1:2,4");
  EXPECT_EQ(FromUidSet(ToUidSet(some, *known)).ToString(), "3:7,20");
}

TEST(MessageSetTest, KeepBoth) {
  const auto both = [](const char* a, const char* b) {
    return KeepBoth(*imap::SequenceSet::Parse(a), *imap::SequenceSet::Parse(b)).ToString();
  };
  EXPECT_EQ(both("1:10", "3:4,8:20"), "3:4,8:10");
  EXPECT_EQ(both("1,3,5", "2:4"), "3");
  EXPECT_EQ(both("1:2", "5"), "");
}

TEST(MessageSetTest, TakeFirst) {
  const auto split = [](const char* text, uint64_t count) {
    imap::SequenceSet set = *imap::SequenceSet::Parse(text);
    const std::string first = TakeFirst(set, count).ToString();
    return first + " | " + set.ToString();
  };
  EXPECT_EQ(split("1:10", 4), "1:4 | 5:10");
  EXPECT_EQ(split("1:2,5:6,9", 3), "1:2,5 | 6,9");
  EXPECT_EQ(split("1:2,5:6,9", 4), "1:2,5:6 | 9");
  EXPECT_EQ(split("1:2,5:6,9", 5), "1:2,5:6,9 | ");
  EXPECT_EQ(split("1:2,5:6,9", 6), "1:2,5:6,9 | ");
  EXPECT_EQ(split("7:4294967295", 1), "7 | 8:4294967295");
  EXPECT_EQ(split("7", 0), " | 7");
}

}  // namespace
}  // namespace mailmesh::imap_gateway
