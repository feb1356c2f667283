#include "services/outbound_relay/dsn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

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
  recipient->set_last_reply_remote(true);
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

// RFC 3464, 2.3.5 and 2.3.6: only what another server has said is quoted, and ours are not named to strangers.
TEST(Dsn, QuotesOtherServersOnly) {
  Item item = MakeItem();
  StoredQueueRecipient* recipient = item.mutable_recipients(0);
  EXPECT_THAT(BuildDsn(MakeRequest(item, DsnKind::kFailure)), HasSubstr("Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n"));
  recipient->set_last_reply(std::string(kExpired) + "450 4.2.1 busy");
  EXPECT_THAT(BuildDsn(MakeRequest(item, DsnKind::kFailure)), HasSubstr("Diagnostic-Code: smtp; 450 4.2.1 busy\r\n"));
  recipient->set_last_reply_remote(false);
  std::string report = BuildDsn(MakeRequest(item, DsnKind::kFailure));
  EXPECT_THAT(report, Not(HasSubstr("Diagnostic-Code")));
  EXPECT_THAT(report, Not(HasSubstr("Remote-MTA")));
  EXPECT_THAT(report, HasSubstr("450 4.2.1 busy"));  // for people
  recipient->set_last_reply_remote(true);
  recipient->set_local_shard("0");
  recipient->set_last_next_hop("shard 0");
  report = BuildDsn(MakeRequest(item, DsnKind::kFailure));
  EXPECT_THAT(report, Not(HasSubstr("Diagnostic-Code")));
  EXPECT_THAT(report, Not(HasSubstr("Remote-MTA")));
  EXPECT_THAT(report, Not(HasSubstr("shard")));
}

// RFC 3464, 2.3.7.
TEST(Dsn, SaysWhenTheLastAttemptWas) {
  Item item = MakeItem();
  EXPECT_THAT(BuildDsn(MakeRequest(item, DsnKind::kFailure)), Not(HasSubstr("Last-Attempt-Date")));
  item.mutable_recipients(0)->set_last_attempt_ms(1'700'000'050'000);
  EXPECT_THAT(BuildDsn(MakeRequest(item, DsnKind::kFailure)), HasSubstr("Last-Attempt-Date: Tue, 14 Nov 2023 22:14:10 +0000\r\n"));
}

// RFC 5322, 2.1.1.
TEST(Dsn, NoLineIsTooLong) {
  for (const std::string& filler : {std::string("word "), std::string("wordwithoutanyspace"), std::string("gr\xc3\xbc\xc3\x9f")}) {
    for (const bool smtputf8 : {false, true}) {
      Item item = MakeItem();
      item.set_smtputf8(smtputf8);
      std::string reply = "550 5.7.1 ";
      while (reply.size() < 20'000) reply += filler;
      item.mutable_recipients(0)->set_last_reply(reply);
      const std::string report = BuildDsn(MakeRequest(item, DsnKind::kFailure));
      EXPECT_LT(report.size(), 6'000u);
      for (size_t begin = 0; begin < report.size();) {
        const size_t end = report.find("\r\n", begin);
        ASSERT_NE(end, std::string::npos);
        EXPECT_LE(end - begin, filler == "word " ? 78u : 998u) << report.substr(begin, end - begin);
        begin = end + 2;
      }
    }
  }
}

bool IsAsciiText(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// RFC 6533, 3: no octet above 127 in message/delivery-status; a body of 8 bits does not make a report global.
TEST(Dsn, IsGlobalOnlyForAddressesAndHeaders) {
  Item item = MakeItem();
  item.mutable_recipients(0)->set_last_reply("550 5.1.1 gr\xfc\xdf");
  DsnRequest request = MakeRequest(item, DsnKind::kFailure);
  std::string report = BuildDsn(request);
  EXPECT_TRUE(IsAsciiText(report));
  EXPECT_THAT(report, HasSubstr("Diagnostic-Code: smtp; 550 5.1.1 gr??\r\n"));
  request.original += "gr\xc3\xbc\r\n";
  report = BuildDsn(request);
  EXPECT_THAT(report, Not(HasSubstr("message/global")));
  EXPECT_THAT(report, HasSubstr("message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"));
  EXPECT_TRUE(IsAsciiText(report.substr(0, report.find("message/rfc822"))));
  request.original_is_whole = false;
  EXPECT_TRUE(IsAsciiText(BuildDsn(request)));
  item.mutable_recipients(0)->set_forward_path("gr\xc3\xbc@b.test");
  report = BuildDsn(MakeRequest(item, DsnKind::kFailure));
  EXPECT_THAT(report, HasSubstr("message/global-delivery-status"));
  EXPECT_THAT(report, HasSubstr("Final-Recipient: utf-8; gr\xc3\xbc@b.test\r\n"));
}

TEST(Dsn, AReplyWithoutEnhancedCodeGetsTheOneOfItsClass) {
  Item item = MakeItem();
  item.mutable_recipients(0)->set_last_status("0.0.0");
  EXPECT_THAT(BuildDsn(MakeRequest(item, DsnKind::kFailure)), HasSubstr("\r\nStatus: 5.0.0\r\n"));
}

}  // namespace
}  // namespace mailmesh::outbound_relay
