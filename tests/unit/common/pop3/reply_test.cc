#include "common/pop3/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/pop3/capability.h"
#include "common/pop3/listing.h"
#include "common/pop3/replies.h"

namespace mailmesh::pop3 {
namespace {

std::string Format(const Reply& reply) {
  std::string out;
  AppendReply(reply, out);
  return out;
}

TEST(Pop3ReplyTest, Formats) {
  EXPECT_EQ(Format(replies::kOk), "+OK OK\r\n");
  EXPECT_EQ(Format(replies::kAuthFailed), "-ERR [AUTH] Authentication failed\r\n");
  EXPECT_EQ(Format(Reply(true, "", "")), "+OK\r\n");
  EXPECT_EQ(Format(Reply(false, "", "a\r\n+OK b")), "-ERR a??+OK b\r\n");
}

TEST(Pop3ReplyTest, LinesAreCutAt512) {
  for (size_t n : {505U, 506U, 507U, 5000U})
    EXPECT_EQ(Format(Reply(true, "", std::string(n, 'x'))).size(), std::min<size_t>(n + 6, 512));
  const std::string umlauts = Format(Reply(true, "", "x" + std::string(505 / 1, 'y') + "ü"));
  EXPECT_EQ(umlauts.size(), 512U);
}

TEST(Pop3ReplyTest, Parses) {
  EXPECT_EQ(ParseReply("+OK"), Reply(true, "", ""));
  EXPECT_EQ(ParseReply("+OK 2 320"), Reply(true, "", "2 320"));
  EXPECT_EQ(ParseReply("-ERR [IN-USE] busy"), Reply(false, "IN-USE", "busy"));
  EXPECT_EQ(ParseReply("-ERR [SYS/TEMP]"), Reply(false, "SYS/TEMP", ""));
  EXPECT_EQ(ParseReply("-err no [x]"), Reply(false, "", "no [x]"));
  EXPECT_EQ(ParseReply("-ERR [no close"), Reply(false, "", "[no close"));
  for (const char* bad : {"", "+", "OK", "+OKAY", "-ERROR", " +OK", "250 ok", "+ abc"})
    EXPECT_FALSE(ParseReply(bad)) << bad;
  EXPECT_TRUE(ParseReply("-ERR [SYS/TEMP] x")->HasCode(replies::kCodeSysTemp));
  EXPECT_TRUE(ParseReply("-ERR [sys/temp] x")->HasCode("SYS"));
  EXPECT_FALSE(ParseReply("-ERR [SYSX] x")->HasCode("SYS"));
}

TEST(Pop3ReplyTest, Timestamp) {
  EXPECT_EQ(GreetingTimestamp(*ParseReply("+OK POP3 ready <1896.697170952@dbc.mtview.ca.us>")),
            "<1896.697170952@dbc.mtview.ca.us>");
  for (const char* none : {"+OK ready", "+OK <no at>", "+OK <a b@c>", "+OK <a@b", "-ERR <a@b>"}) {
    EXPECT_FALSE(GreetingTimestamp(*ParseReply(none))) << none;
  }
}

TEST(Pop3ReplyTest, Challenges) {
  std::string out;
  AppendChallenge("who?", out);
  EXPECT_EQ(out, "+ d2hvPw==\r\n");
  EXPECT_EQ(ParseChallenge("+ d2hvPw=="), "who?");
  EXPECT_EQ(ParseChallenge("+ "), "");
  EXPECT_EQ(ParseChallenge("+"), "");
  EXPECT_FALSE(ParseChallenge("+ !!"));
  EXPECT_FALSE(ParseChallenge("-ERR"));
}

TEST(Pop3CapabilityTest, RoundTrip) {
  Capabilities all;
  all.top = all.user = all.uidl = all.pipelining = all.resp_codes = all.auth_resp_code = all.stls = all.lang = true;
  all.utf8 = all.utf8_user = true;
  all.sasl = {"PLAIN", "SCRAM-SHA-256"};
  all.login_delay = Period{60, true};
  all.expire = Period{30, false};
  all.implementation = "Mailmesh 1";
  std::string out;
  AppendCapabilities(all, out);
  ASSERT_TRUE(out.ends_with("\r\n.\r\n"));
  Capabilities read;
  for (size_t from = 0; out.compare(from, 3, ".\r\n") != 0;) {
    const size_t end = out.find("\r\n", from);
    EXPECT_LE(end - from, 510U);
    ParseCapabilityLine(std::string_view(out).substr(from, end - from), read);
    from = end + 2;
  }
  EXPECT_EQ(read, all);
}

TEST(Pop3CapabilityTest, ReadsWhatServersWrite) {
  Capabilities read;
  for (const char* line : {"", "top", "SASL  plain  login PLAIN", "EXPIRE NEVER", "LOGIN-DELAY x", "UTF8", "X-FOO bar",
                           "IMPLEMENTATION  Foo v1"}) {
    ParseCapabilityLine(line, read);
  }
  EXPECT_TRUE(read.top);
  EXPECT_THAT(read.sasl, ::testing::ElementsAre("PLAIN", "LOGIN"));
  EXPECT_TRUE(read.HasMechanism("login"));
  EXPECT_TRUE(read.expire_never);
  EXPECT_FALSE(read.login_delay);
  EXPECT_FALSE(read.utf8_user);
  EXPECT_EQ(read.implementation, "Foo v1");
}

TEST(Pop3ListingTest, Scan) {
  EXPECT_EQ(ParseScanListing("1 120"), (ScanListing{1, 120}));
  EXPECT_EQ(ParseScanListing("2  18446744073709551615 more"), (ScanListing{2, UINT64_MAX}));
  for (const char* bad : {"", "1", "1 ", "0 1", "-1 1", "1 -1", "1 x", "1 1x", "4294967295 1", "4294967296 1",
                          "1 18446744073709551616", " 1 1", "1\t1"}) {
    EXPECT_FALSE(ParseScanListing(bad)) << bad;
  }
}

TEST(Pop3ListingTest, UniqueId) {
  EXPECT_EQ(ParseUniqueIdListing("1 whqtswO00WBw418f9t5JxYwZ")->unique_id, "whqtswO00WBw418f9t5JxYwZ");
  EXPECT_EQ(ParseUniqueIdListing("2 QhdPYR:00WBw1Ph7x7 trailing")->unique_id, "QhdPYR:00WBw1Ph7x7");
  for (const char* bad : {"", "1", "1 ", "x y", "1 a\x7f", "1 \xc3\xbc"})
    EXPECT_FALSE(ParseUniqueIdListing(bad)) << bad;
  for (size_t n : {69U, 70U, 71U})
    EXPECT_EQ(ParseUniqueIdListing("1 " + std::string(n, 'u'), kMaxUniqueId).has_value(), n <= 70);
}

TEST(Pop3ListingTest, DropAndWriting) {
  EXPECT_EQ(ParseDropListing("2 320"), (DropListing{2, 320}));
  EXPECT_EQ(ParseDropListing("0 0"), (DropListing{0, 0}));
  EXPECT_FALSE(ParseDropListing("2"));
  EXPECT_FALSE(ParseDropListing("two 320"));
  std::string out;
  AppendScanListing(1, 120, out);
  AppendUniqueIdListing(2, "abc", out);
  EXPECT_EQ(out, "1 120\r\n2 abc\r\n");
}

}  // namespace
}  // namespace mailmesh::pop3
