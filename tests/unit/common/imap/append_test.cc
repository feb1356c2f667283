// What stands around the messages of APPEND.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/imap/command_parser.h"

namespace mailmesh::imap {
namespace {

using ::testing::ElementsAre;

const LiteralHeader kText{.size = 5, .synchronizing = true, .binary = false};
const LiteralHeader kBinary{.size = 5, .synchronizing = false, .binary = true};

absl::StatusCode CodeOf(std::string_view head, const LiteralHeader& literal = kText) {
  return ParseAppend(head, literal).command.status().code();
}

TEST(AppendTest, Heads) {
  ParsedCommand parsed = ParseAppend("A1 APPEND inbox (\\Seen $Junk) \" 7-Feb-1994 21:52:25 -0800\" ", kText);
  ASSERT_TRUE(parsed.command.ok()) << parsed.command.status();
  EXPECT_EQ(parsed.tag, "A1");
  EXPECT_EQ(parsed.verb, Verb::kAppend);
  const Append append = std::get<Append>(*parsed.command);
  EXPECT_EQ(append.mailbox, "INBOX");
  EXPECT_EQ(append.message.flags.system, kSeen);
  EXPECT_THAT(append.message.flags.keywords, ElementsAre("$Junk"));
  EXPECT_EQ(append.message.date->unix_seconds, 760686745);
  EXPECT_EQ(append.message.size, 5u);
  EXPECT_EQ(CodeOf("A1 APPEND x "), absl::StatusCode::kOk);
  EXPECT_EQ(CodeOf("A1 APPEND {3}\r\na b () "), absl::StatusCode::kOk);
  EXPECT_EQ(CodeOf("A1 APPEND x ", kBinary), absl::StatusCode::kOk);
  EXPECT_EQ(CodeOf("A1 APPEND a&b "), absl::StatusCode::kFailedPrecondition);
  for (const char* head : {"A1 APPEND", "A1 APPEND ", "A1 APPEND x", "A1 APPEND x (\\Seen)", "A1 APPEND x (\\Recent) ", "A1 APPEND x \"foo\" ",
                           "A1 APPEND x \" 7-Feb-1994 21:52:25 -0800\" () ", "A1 APPEND x  ", "A1 APPEND x UTF8 (", "A1 NOOP ", "A1 APPEND x CATENATE ("}) {
    EXPECT_EQ(CodeOf(head), absl::StatusCode::kInvalidArgument) << head;
  }
}

TEST(AppendTest, MultipleAndUtf8) {
  ParsedCommand parsed = ParseAppend("A1 APPEND x UTF8 (", kBinary);
  ASSERT_TRUE(parsed.command.ok()) << parsed.command.status();
  const AppendMessage utf8 = std::get<Append>(*parsed.command).message;
  EXPECT_TRUE(utf8.utf8 && utf8.binary);
  EXPECT_TRUE(ParseAppendEnd(")", utf8).ok());
  EXPECT_FALSE(ParseAppendEnd("", utf8).ok());
  EXPECT_TRUE(ParseNextAppendMessage(") (\\Seen) ", kText, utf8).ok());
  const AppendMessage plain;
  EXPECT_TRUE(ParseAppendEnd("", plain).ok());
  EXPECT_FALSE(ParseAppendEnd(" ", plain).ok());
  EXPECT_FALSE(ParseAppendEnd(")", plain).ok());
  const auto next = ParseNextAppendMessage(" (\\Draft) \" 7-Feb-1994 21:52:25 -0800\" ", kText, plain);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->flags.system, kDraft);
  EXPECT_EQ(next->size, 5u);
  EXPECT_FALSE(ParseNextAppendMessage("", kText, plain).ok());
  EXPECT_FALSE(ParseNextAppendMessage(") ", kText, plain).ok());
}

}  // namespace
}  // namespace mailmesh::imap
