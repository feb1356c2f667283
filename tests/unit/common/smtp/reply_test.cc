#include "common/smtp/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/smtp/ehlo.h"
#include "common/smtp/line_limits.h"
#include "common/smtp/replies.h"
#include "common/smtp/reply_parser.h"

namespace mailmesh::smtp {
namespace {

using ::testing::ElementsAre;

std::string Format(const Reply& reply, bool enhanced = true) {
  std::string out;
  AppendReply(reply, enhanced, out);
  return out;
}

// Replies as text, "!" for an error; the same at every split.
std::vector<std::string> Parse(std::string_view input, const ReplyLimits& limits = {}) {
  const auto feed = [](ReplyParser& parser, std::string_view part, std::vector<std::string>& out) {
    while (!part.empty()) {
      const ReplyParser::Step step = parser.Feed(part);
      part.remove_prefix(step.consumed);
      if (step.outcome == ReplyParser::Outcome::kReply) out.push_back(parser.Take().ToString());
      if (step.outcome == ReplyParser::Outcome::kError) {
        if (out.empty() || out.back() != "!") out.push_back("!");
        return;
      }
    }
  };
  std::vector<std::string> whole;
  ReplyParser whole_parser(limits);
  feed(whole_parser, input, whole);
  for (size_t split = 0; split <= input.size(); ++split) {
    std::vector<std::string> halves;
    ReplyParser parser(limits);
    feed(parser, input.substr(0, split), halves);
    feed(parser, input.substr(split), halves);
    EXPECT_EQ(halves, whole) << "split at " << split;
  }
  return whole;
}

TEST(ReplyTest, Formats) {
  EXPECT_EQ(Format(replies::kNoSuchUser), "550 5.1.1 No such user here\r\n");
  EXPECT_EQ(Format(replies::kNoSuchUser, false), "550 No such user here\r\n");
  EXPECT_EQ(Format(replies::kStartMailInput), "354 End data with <CRLF>.<CRLF>\r\n");
  Reply reply(250, {2, 0, 0}, "one");
  reply.lines.push_back("two");
  EXPECT_EQ(Format(reply), "250-2.0.0 one\r\n250 2.0.0 two\r\n");
  reply.lines.clear();
  EXPECT_EQ(Format(reply, false), "250 \r\n");
  EXPECT_EQ(Reply(replies::kNoSuchUser).ToString(), "550 5.1.1 No such user here");
}

TEST(ReplyTest, TextCannotEndTheLine) { EXPECT_EQ(Format(Reply(550, {}, "a\r\n250 ok")), "550 a??250 ok\r\n"); }

// RFC 5321, 4.5.3.1.5
TEST(ReplyTest, LongTextGoesOnInFurtherLines) {
  for (size_t n : {505U, 506U, 507U, 2000U}) {
    const std::string out = Format(Reply(550, {5, 1, 1}, std::string(n, 'x')));
    size_t from = 0;
    size_t text = 0;
    while (from < out.size()) {
      const size_t end = out.find("\r\n", from) + 2;
      EXPECT_LE(end - from, 512U);
      const bool last = end == out.size();
      EXPECT_EQ(out.substr(from, 10), last ? "550 5.1.1 " : "550-5.1.1 ");
      text += end - from - 12;
      from = end;
    }
    EXPECT_EQ(text, n);
  }
  EXPECT_EQ(Format(Reply(250, {}, std::string(506, 'x'))).size(), 512U);
}

TEST(ReplyParserTest, ReadsReplies) {
  EXPECT_THAT(Parse("250 OK\r\n354 go\r\n"), ElementsAre("250 OK", "354 go"));
  EXPECT_THAT(Parse("250-a\r\n250-b\r\n250 c\r\n"), ElementsAre("250 a b c"));
  EXPECT_THAT(Parse("250\r\n"), ElementsAre("250 "));
  EXPECT_THAT(Parse("250 OK\n220 x\n"), ElementsAre("250 OK", "220 x"));
  EXPECT_THAT(Parse("550-5.1.1 no\r\n550 5.1.1 such user\r\n"), ElementsAre("550 5.1.1 no such user"));
}

TEST(ReplyParserTest, RefusesWhatIsNoReply) {
  for (const char* bad : {"hello\r\n", "25\r\n", "\r\n", "150 x\r\n", "650 x\r\n", "2500 x\r\n", "250_x\r\n",
                          " 250 x\r\n", "250-a\r\n251 b\r\n", "2a0 x\r\n"}) {
    EXPECT_THAT(Parse(bad), ElementsAre("!")) << bad;
  }
}

TEST(ReplyParserTest, Limits) {
  const auto line = [](size_t n) { return "250 " + std::string(n - 6, 'x') + "\r\n"; };
  EXPECT_EQ(Parse(line(99), {.max_line = 100}).at(0)[0], '2');
  EXPECT_EQ(Parse(line(100), {.max_line = 100}).at(0)[0], '2');
  EXPECT_EQ(Parse(line(101), {.max_line = 100}).at(0), "!");
  const auto lines = [](int n) {
    std::string out;
    for (int i = 1; i < n; ++i) out += "250-x\r\n";
    return out + "250 x\r\n";
  };
  EXPECT_EQ(Parse(lines(4), {.max_lines = 5}).at(0)[0], '2');
  EXPECT_EQ(Parse(lines(5), {.max_lines = 5}).at(0)[0], '2');
  EXPECT_EQ(Parse(lines(6), {.max_lines = 5}).at(0), "!");
  EXPECT_EQ(Parse(lines(20), {.max_octets = 99}).at(0), "!");
  EXPECT_EQ(Parse(lines(20), {.max_octets = 100}).at(0)[0], '2');
}

TEST(EhloTest, RoundTrip) {
  Capabilities offer;
  offer.extensions = {
      Extension::kPipelining, Extension::kSize,     Extension::kStartTls, Extension::kAuth,
      Extension::k8BitMime,   Extension::kSmtpUtf8, Extension::kChunking, Extension::kEnhancedStatusCodes,
      Extension::kDsn};
  offer.max_size = 52428800;
  offer.auth_mechanisms = {"PLAIN", "SCRAM-SHA-256"};
  const Reply reply = BuildEhloReply("mx.example.org", offer);
  EXPECT_THAT(reply.lines,
              ElementsAre("mx.example.org", "PIPELINING", "SIZE 52428800", "STARTTLS", "AUTH PLAIN SCRAM-SHA-256",
                          "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING"));
  offer.peer_name = "mx.example.org";
  EXPECT_EQ(ParseEhloReply(reply), offer);
}

TEST(EhloTest, ReadsWhatServersWrite) {
  Reply reply(250, {}, "mx.example.org Hello there [192.0.2.1]");
  for (const char* line :
       {"size", "auth=LOGIN plain", "AUTH PLAIN cram-md5", "X-UNKNOWN a b", "8bitmime", "", "STARTTLS "}) {
    reply.lines.push_back(line);
  }
  const Capabilities offer = ParseEhloReply(reply);
  EXPECT_EQ(offer.peer_name, "mx.example.org");
  EXPECT_EQ(offer.max_size, 0U);
  EXPECT_TRUE(offer.Has(Extension::kSize));
  EXPECT_TRUE(offer.Has(Extension::k8BitMime));
  EXPECT_TRUE(offer.Has(Extension::kStartTls));
  EXPECT_FALSE(offer.Has(Extension::kPipelining));
  EXPECT_THAT(offer.auth_mechanisms, ElementsAre("LOGIN", "PLAIN", "CRAM-MD5"));
  EXPECT_TRUE(offer.HasMechanism("Login"));
  for (const char* size : {"SIZE x", "SIZE -1", "SIZE 99999999999999999999999"}) {
    EXPECT_EQ(ParseEhloReply([&] {
                Reply r(250, {}, "h");
                r.lines.push_back(size);
                return r;
              }())
                  .max_size,
              0U);
  }
}

TEST(LineLimitsTest, GrowWithWhatIsOffered) {
  EXPECT_EQ(CommandLineLimit({}), 512U);
  EXPECT_EQ(CommandLineLimit({Extension::kSize}), 538U);
  EXPECT_EQ(CommandLineLimit({Extension::kSize, Extension::kSmtpUtf8, Extension::k8BitMime}), 565U);
}

// Every constant is a reply: its code and its enhanced code agree.
TEST(RepliesTest, ClassesAgree) {
  for (const CannedReply& reply : {replies::kOk, replies::kLocalError, replies::kNoSuchUser, replies::kUnknownParameter,
                                   replies::kAuthNeedsEncryption, replies::kTooManyRecipients, replies::kShuttingDown,
                                   replies::kConnectionLost, replies::kRequireTlsUnsupported, replies::kRoutingLoop}) {
    EXPECT_EQ(reply.code / 100, reply.enhanced.klass) << reply.text;
  }
}

}  // namespace
}  // namespace mailmesh::smtp
