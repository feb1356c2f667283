#include "services/outbound_relay/dsn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/mime/structure.h"

namespace mailmesh::outbound_relay {
namespace {

using storage::v1::StoredQueueRecipient;
using testing::HasSubstr;
using testing::Not;

Item MakeItem() {
  Item item;
  item.set_reverse_path("anna@a.test");
  item.set_queued_ms(1'700'000'000'000);
  StoredQueueRecipient* recipient = item.add_recipients();
  recipient->set_forward_path("nobody@b.test");
  recipient->set_original_recipient("rfc822;nobody@b.test");
  recipient->set_last_reply("550 5.1.1 No such user");
  recipient->set_last_status("5.1.1");
  recipient->set_last_next_hop("mx.b.test");
  return item;
}

DsnRequest MakeRequest(const Item& item, DsnKind kind) {
  DsnRequest request{kind, item, {&item.recipients(0)}, "Subject: hi\r\nFrom: anna@a.test\r\n\r\nbody text\r\n", true, "mail.a.test",
                     "postmaster@a.test", 1'700'000'100'000, 1'700'400'000'000};
  return request;
}

TEST(Dsn, IsAReportThatOurOwnParserReads) {
  const Item item = MakeItem();
  const std::string octets = BuildDsn(MakeRequest(item, DsnKind::kFailure));
  const mime::Structure structure = mime::ParseStructure(octets);
  ASSERT_GE(structure.parts.size(), 4u);
  EXPECT_NE(structure.Find({1}), mime::kNoPart);
  EXPECT_NE(structure.Find({2}), mime::kNoPart);
  EXPECT_NE(structure.Find({3}), mime::kNoPart);
  EXPECT_THAT(octets, HasSubstr("multipart/report; report-type=delivery-status"));
  EXPECT_THAT(octets, HasSubstr("Final-Recipient: rfc822; nobody@b.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"));
  EXPECT_THAT(octets, HasSubstr("Remote-MTA: dns; mx.b.test\r\n"));
  EXPECT_THAT(octets, HasSubstr("body text"));  // RET was not given: all of a small message is returned
}

TEST(Dsn, ReturnsHeadersOnlyWhereAskedOrWhereTheWholeIsNotAtHand) {
  Item item = MakeItem();
  item.set_dsn_return(2);
  EXPECT_THAT(BuildDsn(MakeRequest(item, DsnKind::kFailure)), Not(HasSubstr("body text")));
  item.set_dsn_return(0);
  DsnRequest request = MakeRequest(item, DsnKind::kFailure);
  request.original_is_whole = false;
  const std::string octets = BuildDsn(request);
  EXPECT_THAT(octets, Not(HasSubstr("body text")));
  EXPECT_THAT(octets, HasSubstr("text/rfc822-headers\r\n\r\nSubject: hi\r\n"));
}

TEST(Dsn, DelaySaysUntilWhen) {
  const Item item = MakeItem();
  const std::string octets = BuildDsn(MakeRequest(item, DsnKind::kDelay));
  EXPECT_THAT(octets, HasSubstr("Action: delayed"));
  EXPECT_THAT(octets, HasSubstr("Will-Retry-Until: "));
}

TEST(Dsn, NobodyIsToldOfABounceOrAgainstHisWish) {
  Item item = MakeItem();
  StoredQueueRecipient* recipient = item.mutable_recipients(0);
  EXPECT_TRUE(WantsDsn(item, *recipient, DsnKind::kFailure));
  EXPECT_TRUE(WantsDsn(item, *recipient, DsnKind::kDelay));
  recipient->set_notify_failure(true);
  EXPECT_TRUE(WantsDsn(item, *recipient, DsnKind::kFailure));
  EXPECT_FALSE(WantsDsn(item, *recipient, DsnKind::kDelay));
  recipient->set_notify_never(true);
  EXPECT_FALSE(WantsDsn(item, *recipient, DsnKind::kFailure));
  recipient->set_notify_never(false);
  item.clear_reverse_path();
  EXPECT_FALSE(WantsDsn(item, *recipient, DsnKind::kFailure));
}

TEST(Dsn, ItsOwnSenderIsNull) {
  const Item item = MakeItem();
  const Spool::Notification notification = MakeNotification(MakeRequest(item, DsnKind::kFailure), "id");
  EXPECT_EQ(notification.item.reverse_path(), "");
  ASSERT_EQ(notification.item.recipients_size(), 1);
  EXPECT_EQ(notification.item.recipients(0).forward_path(), "anna@a.test");
  EXPECT_TRUE(notification.item.recipients(0).resolve());
}

TEST(Dsn, SuccessIsToldWhereItWasAskedForByName) {
  Item item = MakeItem();
  StoredQueueRecipient* recipient = item.mutable_recipients(0);
  EXPECT_FALSE(WantsDsn(item, *recipient, DsnKind::kSuccess));
  recipient->set_notify_failure(true);
  EXPECT_FALSE(WantsDsn(item, *recipient, DsnKind::kSuccess));
  recipient->set_notify_success(true);
  EXPECT_TRUE(WantsDsn(item, *recipient, DsnKind::kSuccess));
  recipient->set_last_reply("250 2.0.0 taken");
  recipient->set_last_status("2.0.0");
  std::string report = BuildDsn(MakeRequest(item, DsnKind::kSuccess));
  EXPECT_THAT(report, HasSubstr("\r\nAction: relayed\r\nStatus: 2.0.0\r\n"));
  // RFC 3461, 4.3: not the whole message, whatever RET says.
  item.set_dsn_return(1);
  EXPECT_THAT(report, HasSubstr("text/rfc822-headers"));
  EXPECT_THAT(report, Not(HasSubstr("body text")));
  recipient->set_local_shard("0");
  EXPECT_THAT(BuildDsn(MakeRequest(item, DsnKind::kSuccess)), HasSubstr("\r\nAction: delivered\r\n"));
}

TEST(Dsn, AReplyWithoutEnhancedCodeGetsTheOneOfItsClass) {
  Item item = MakeItem();
  item.mutable_recipients(0)->set_last_status("0.0.0");
  EXPECT_THAT(BuildDsn(MakeRequest(item, DsnKind::kFailure)), HasSubstr("\r\nStatus: 5.0.0\r\n"));
}

}  // namespace
}  // namespace mailmesh::outbound_relay
