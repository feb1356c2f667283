// Records and keys as they lie on disk.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "common/base/bytes.h"
#include "services/mailbox_store/engine/keys.h"
#include "services/mailbox_store/engine/message_record.h"
#include "services/mailbox_store/engine/overlay.h"
#include "services/mailbox_store/engine/search_record.h"
#include "services/mailbox_store/engine/uid_set.h"

namespace mailmesh::mailbox_store {
namespace {

using base::HexEncode;

// docs/formats/mailbox_store.md shows these octets: what changes here changes the format.
TEST(FormatTest, Keys) {
  const AccountId account(7);
  const MailboxId mailbox(1);
  EXPECT_EQ(HexEncode(keys::Page(account, mailbox, 300 >> kPageBits)), "0000000000000007000000000000000100000001");
  EXPECT_EQ(HexEncode(keys::SummaryPage(account, mailbox, SummaryKind::kEnvelope, 300 >> kSummaryPageBits)),
            "000000000000000700000000000000010100000004");
  EXPECT_EQ(HexEncode(keys::Change(account, mailbox, ChangeKind::kExpunged, ModSeq(258))),
            "00000000000000070000000000000001020000000000000102");
  EXPECT_EQ(HexEncode(keys::Name(account, "a/b")), "0000000000000007610162");
  EXPECT_EQ(keys::NameOf(keys::Name(account, "a/b")), "a/b");
}

TEST(FormatTest, Records) {
  EXPECT_EQ(HexEncode(MessageRecord{kSeen | kFlagged, 300, 4096}.Encode()), "05ac028020");
  EntryRecord entry;
  entry.internal_seconds = 1'700'000'000;
  entry.zone_minutes = -60;
  entry.save_seconds = 1'700'000'005;
  entry.instance = 9;
  entry.blob[0] = 0xab;
  entry.header_size = 200;
  EXPECT_EQ(HexEncode(entry.Encode()), "80c49fd50c770a09ab000000000000000000000000000000c8010000");
  EntryRecord read;
  ASSERT_TRUE(read.Decode(entry.Encode()));
  EXPECT_EQ(read, entry);
  const std::string octets = entry.Encode();
  for (size_t size = 0; size < octets.size(); ++size) EXPECT_FALSE(read.Decode(octets.substr(0, size)));
  // Numbers that only damage can make wrap.
  entry.internal_seconds = std::numeric_limits<int64_t>::max();
  entry.save_seconds = std::numeric_limits<int64_t>::min();
  ASSERT_TRUE(read.Decode(entry.Encode()));
  EXPECT_EQ(read, entry);
}

TEST(FormatTest, IdsAreReadBack) {
  EXPECT_EQ(ParseMailboxId(MailboxIdText(MailboxId(255))), MailboxId(255));
  EXPECT_FALSE(ParseMailboxId("").has_value());
  EXPECT_FALSE(ParseMailboxId("0000000000000000").has_value());
  EXPECT_FALSE(ParseMailboxId("00000000000000ff0").has_value());
  const auto job = ParseJobId(JobIdText(AccountId(3), 4));
  ASSERT_TRUE(job.has_value());
  EXPECT_EQ(job->account, AccountId(3));
  EXPECT_EQ(job->job, 4u);
}

TEST(UidSetTest, ReadsWritesAndSubtracts) {
  UidSet set;
  for (uint32_t uid : {1, 2, 3, 7, 9, 10}) set.Append(uid);
  EXPECT_EQ(set.ranges().size(), 3u);
  EXPECT_EQ(set.size(), 6u);
  EXPECT_EQ(UidSet::FromProto(set.ToProto()).value(), set);
  UidSet read;
  ASSERT_TRUE(UidSet::Decode(set.Encode(), &read));
  EXPECT_EQ(read, set);
  EXPECT_EQ(HexEncode(set.Encode()), "010204000201");
  EXPECT_TRUE(set.Contains(7));
  EXPECT_FALSE(set.Contains(8));
  EXPECT_EQ(set.NextMember(4), 7u);
  EXPECT_EQ(set.NextMember(11), 0u);
  const UidSet holes = UidSet::Single(1, 12).Without(set, 11);
  UidSet expected;
  for (uint32_t uid : {4, 5, 6, 8, 11}) expected.Append(uid);
  EXPECT_EQ(holes, expected);
  UidSet other = UidSet::Single(3, 8);
  other.Add(set);
  EXPECT_EQ(other, UidSet::Single(1, 10));
  mailbox::v1::UidSet bad;
  bad.add_first(5);
  bad.add_last(4);
  EXPECT_FALSE(UidSet::FromProto(bad).ok());
  bad.set_last(0, 6);
  bad.add_first(6);
  bad.add_last(7);
  EXPECT_FALSE(UidSet::FromProto(bad).ok());
  EXPECT_TRUE(UidSet::All().Contains(kMaxUid));
}

TEST(SearchRecordTest, DecodesAndFolds) {
  const std::string octets = MakeSearchRecord("Subject: =?utf-8?q?GR=C3=9CN?=\r\nTo: A@B\r\nTo: C@D\r\nDate: Thu, 1 Jan 1970 "
                                              "23:30:00 -0100\r\nX: y\r\n\r\n");
  SearchRecord record;
  ASSERT_TRUE(DecodeSearchRecord(octets, &record));
  EXPECT_EQ(record.texts[kSubject], "grün");
  EXPECT_EQ(record.texts[kTo], "a@b\nc@d");
  EXPECT_TRUE(record.has_date);
  EXPECT_EQ(record.sent_day, 0);
  EXPECT_EQ(record.sent_seconds, 88'200);
  EXPECT_FALSE(record.present[kCc]);
  for (size_t size = 0; size < octets.size(); ++size) EXPECT_FALSE(DecodeSearchRecord(octets.substr(0, size), &record));
}

TEST(OverlayTest, ForgetsWhatIsDurableAndKeepsWhatIsNewer) {
  Overlay head;
  Overlay first;
  first.Put(ColumnId::kNames, "a", "1");
  first.Merge(ColumnId::kMessages, "p", "x");
  head.Absorb(std::move(first), 1);
  Overlay second;
  second.Merge(ColumnId::kMessages, "p", "y");
  second.Delete(ColumnId::kNames, "b");
  head.Absorb(std::move(second), 2);
  head.Forget(1);
  EXPECT_EQ(head.Find(ColumnId::kNames, "a"), nullptr);
  ASSERT_NE(head.Find(ColumnId::kMessages, "p"), nullptr);
  EXPECT_THAT(head.Find(ColumnId::kMessages, "p")->operands, testing::ElementsAre("x", "y"));
  EXPECT_TRUE(head.Find(ColumnId::kNames, "b")->deleted);
  head.Forget(2);
  EXPECT_TRUE(head.empty());
}

}  // namespace
}  // namespace mailmesh::mailbox_store
