#include "services/imap_gateway/view/version.h"

#include <gtest/gtest.h>

#include "tests/unit/services/imap_gateway/view_test_util.h"

namespace mailmesh::imap_gateway {
namespace {

const Version kEmpty;

void ExpectSame(const PlainMailbox& mailbox, const Version& version) {
  const std::vector<Message> expected = Messages(mailbox);
  ASSERT_EQ(version.size(), expected.size());
  ASSERT_EQ(Messages(version), expected);
  uint32_t unseen = 0;
  uint32_t first_unseen = 0;
  uint32_t deleted = 0;
  for (uint32_t i = 0; i < expected.size(); ++i) {
    if ((expected[i].flags & kFlagSeen) == 0 && unseen++ == 0) first_unseen = i + 1;
    if ((expected[i].flags & kFlagDeleted) != 0) ++deleted;
  }
  EXPECT_EQ(version.unseen(), unseen);
  EXPECT_EQ(version.FirstUnseen(), first_unseen);
  EXPECT_EQ(version.deleted(), deleted);
  EXPECT_EQ(version.uid_next(), mailbox.uid_next);
  for (const Version::PagePtr& page : version.pages()) {
    EXPECT_GT(page->size(), 0u);
    EXPECT_LE(page->size(), Version::kPageMessages);
  }
}

TEST(VersionTest, FollowsRandomChanges) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    PlainMailbox mailbox;
    VersionPtr version = std::make_shared<const Version>();
    for (int step = 0; step < 150; ++step) {
      version = Step(random, mailbox, *version);
      ASSERT_NO_FATAL_FAILURE(ExpectSame(mailbox, *version)) << "seed " << seed << " step " << step;
    }
  }
}

TEST(VersionTest, FindsByUidAndNumber) {
  VersionBuilder builder(kEmpty);
  for (uint32_t uid = 10; uid <= 20000; uid += 10) builder.Put({uid, 0, 1});
  const VersionPtr version = builder.Build();
  EXPECT_EQ(version->size(), 2000u);
  EXPECT_EQ(version->SequenceOf(10), 1u);
  EXPECT_EQ(version->SequenceOf(20000), 2000u);
  EXPECT_EQ(version->SequenceOf(15), 0u);
  EXPECT_EQ(version->SequenceOf(20001), 0u);
  EXPECT_EQ(version->CountBelow(1), 0u);
  EXPECT_EQ(version->CountBelow(11), 1u);
  EXPECT_EQ(version->CountWithin(1, UINT32_MAX), 2000u);
  EXPECT_EQ(version->CountWithin(11, 19), 0u);
  EXPECT_EQ(version->CountWithin(10, 20), 2u);
  EXPECT_EQ(version->At(513).uid, 5130u);
  EXPECT_EQ(version->uid_next(), 20001u);
}

TEST(VersionTest, SharesPagesThatDoNotChange) {
  VersionBuilder first(kEmpty);
  for (uint32_t uid = 1; uid <= 5000; ++uid) first.Put({uid, 0, 1});
  const VersionPtr before = first.Build();
  VersionBuilder second(*before);
  second.Put({2000, kFlagSeen, 2});
  second.Put({5001, 0, 2});
  const VersionPtr after = second.Build();
  size_t shared = 0;
  for (const Version::PagePtr& page : after->pages()) {
    shared += std::count(before->pages().begin(), before->pages().end(), page);
  }
  EXPECT_EQ(shared, before->pages().size() - 2);
  EXPECT_EQ(after->unseen(), 5000u);
}

TEST(VersionTest, ExpungesDoNotLeaveManySmallPages) {
  VersionBuilder first(kEmpty);
  for (uint32_t uid = 1; uid <= 100'000; ++uid) first.Put({uid, 0, 1});
  VersionPtr version = first.Build();
  VersionBuilder second(*version);
  for (uint32_t uid = 1; uid <= 100'000; ++uid) {
    if (uid % 100 != 0) second.Expunge(uid, uid);
  }
  version = second.Build();
  EXPECT_EQ(version->size(), 1000u);
  EXPECT_LE(version->pages().size(), 16u);
}

}  // namespace
}  // namespace mailmesh::imap_gateway
