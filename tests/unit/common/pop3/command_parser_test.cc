#include "common/pop3/command_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "common/base/line_reader.h"
#include "common/pop3/replies.h"

namespace mailmesh::pop3 {
namespace {

template <class T>
T Get(std::string_view line) {
  ParsedCommand parsed = ParseCommand(line);
  if (!parsed.ok() || !std::holds_alternative<T>(parsed.command())) {
    ADD_FAILURE() << line;
    return T{};
  }
  return std::get<T>(parsed.command());
}

void ExpectError(std::string_view line, const CannedReply& reply) {
  const ParsedCommand parsed = ParseCommand(line);
  ASSERT_FALSE(parsed.ok()) << line;
  EXPECT_EQ(parsed.error().text, reply.text) << line;
}

TEST(Pop3CommandTest, LogIn) {
  EXPECT_EQ(Get<User>("USER joe@example.org").name, "joe@example.org");
  EXPECT_EQ(Get<User>("user joe doe ").name, "joe doe");
  EXPECT_EQ(Get<User>("USER jö").name, "jö");
  EXPECT_EQ(Get<Pass>("PASS a b ").password.Reveal(), "a b ");
  EXPECT_TRUE(Get<Pass>("PASS ").password.empty());
  const Apop apop = Get<Apop>("APOP joe c4c9334bac560ecc979e58001b3e22fb");
  EXPECT_EQ(apop.name, "joe");
  EXPECT_EQ(apop.digest.Reveal(), "c4c9334bac560ecc979e58001b3e22fb");
  for (const char* bad : {"USER", "USER ", "USER a\tb", "USER \xff", "PASS \x01", "APOP joe", "APOP joe 123",
                          "APOP  c4c9334bac560ecc979e58001b3e22f"}) {
    ExpectError(bad, replies::kSyntaxError);
  }
}

TEST(Pop3CommandTest, Numbers) {
  EXPECT_EQ(Get<Retr>("RETR 1").number, 1U);
  EXPECT_EQ(Get<Dele>("dele 4294967294 ").number, 4294967294U);
  // A number that no maildrop has is a number: the answer is "no such message", not "syntax error".
  EXPECT_EQ(Get<Retr>("RETR 0").number, kNoSuchNumber);
  EXPECT_EQ(Get<Retr>("RETR 4294967296").number, kNoSuchNumber);
  EXPECT_EQ(Get<Retr>("RETR 99999999999999999999999").number, kNoSuchNumber);
  EXPECT_EQ(Get<Retr>("RETR 007").number, 7U);
  EXPECT_FALSE(Get<List>("LIST").number);
  EXPECT_EQ(Get<List>("LIST 2").number, 2U);
  EXPECT_FALSE(Get<Uidl>("UIDL ").number);
  EXPECT_EQ(Get<Uidl>("UIDL 3").number, 3U);
  EXPECT_EQ(Get<Top>("TOP 1 0").lines, 0U);
  EXPECT_EQ(Get<Top>("TOP 1 99999999999").lines, UINT32_MAX);
  for (const char* bad : {"RETR", "RETR -1", "RETR +1", "RETR 1x", "RETR 0x1", "RETR 1 2", "RETR  1", "LIST a", "TOP 1",
                          "TOP", "TOP 1 x", "TOP 1 -1", "TOP 1 2 3", "DELE 1.0"}) {
    ExpectError(bad, replies::kSyntaxError);
  }
}

TEST(Pop3CommandTest, Auth) {
  EXPECT_EQ(Get<Auth>("AUTH").mechanism, "");
  EXPECT_EQ(Get<Auth>("auth scram-sha-256").mechanism, "SCRAM-SHA-256");
  EXPECT_FALSE(Get<Auth>("AUTH PLAIN").initial_response);
  EXPECT_EQ(Get<Auth>("AUTH PLAIN AGEAYg==").initial_response->Reveal(), std::string_view("\0a\0b", 4));
  EXPECT_TRUE(Get<Auth>("AUTH EXTERNAL =").initial_response->empty());
  ExpectError("AUTH PLAIN !", replies::kBadBase64);
  ExpectError("AUTH PLA!N", replies::kSyntaxError);
  EXPECT_EQ(ParseAuthLine("*").kind, AuthLine::Kind::kCancel);
  EXPECT_EQ(ParseAuthLine("!").kind, AuthLine::Kind::kBad);
  EXPECT_EQ(ParseAuthLine("").kind, AuthLine::Kind::kResponse);
  EXPECT_EQ(ParseAuthLine("bWU=").response.Reveal(), "me");
}

TEST(Pop3CommandTest, TheRest) {
  Get<Stat>("STAT");
  Get<Noop>("noop");
  Get<Rset>("RSET");
  Get<Quit>("QUIT ");
  Get<Capa>("CAPA");
  Get<Stls>("STLS");
  Get<Utf8>("UTF8");
  EXPECT_EQ(Get<Lang>("LANG").tag, "");
  EXPECT_EQ(Get<Lang>("LANG *").tag, "*");
  EXPECT_EQ(Get<Lang>("LANG de-AT").tag, "de-AT");
  for (const char* bad : {"STAT 1", "NOOP x", "CAPA x", "LANG de_AT", "LANG **"})
    ExpectError(bad, replies::kSyntaxError);
  for (const char* bad : {"", " ", "XYZ", "STATX", " STAT"}) ExpectError(bad, replies::kUnknownCommand);
  EXPECT_EQ(VerbName(Verb::kUidl), "UIDL");
  EXPECT_EQ(VerbName(ParseCommand("EVIL label").verb), "other");
}

// RFC 2449, 4
TEST(Pop3CommandTest, LineLimit) {
  for (size_t length : {254U, 255U, 256U}) {
    base::LineReader reader(kMaxCommandLine);
    const std::string line = "PASS " + std::string(length - 7, 'x') + "\r\n";
    EXPECT_EQ(reader.Next(line).outcome,
              length <= 255 ? base::LineReader::Outcome::kLine : base::LineReader::Outcome::kTooLong);
  }
}

}  // namespace
}  // namespace mailmesh::pop3
