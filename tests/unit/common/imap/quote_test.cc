#include "common/imap/quote.h"

#include <gtest/gtest.h>

#include "common/imap/flags.h"

namespace mailmesh::imap {
namespace {

std::string Str(std::string_view text, bool utf8 = false) {
  std::string out;
  AppendString(out, text, utf8);
  return out;
}

std::string AStr(std::string_view text) {
  std::string out;
  AppendAString(out, text);
  return out;
}

TEST(QuoteTest, Strings) {
  EXPECT_EQ(Str(""), "\"\"");
  EXPECT_EQ(Str("a b"), "\"a b\"");
  EXPECT_EQ(Str("a\"\\"), "\"a\\\"\\\\\"");
  EXPECT_EQ(Str("\"\"\"\""), "\"\\\"\\\"\\\"\\\"\"");
  EXPECT_EQ(Str("\"\"\"\"\""), "{5}\r\n\"\"\"\"\"");
  EXPECT_EQ(Str("a\r\nb"), "{4}\r\na\r\nb");
  EXPECT_EQ(Str("\xc3\xbc"), "{2}\r\n\xc3\xbc");
  EXPECT_EQ(Str("\xc3\xbc", true), "\"\xc3\xbc\"");
  EXPECT_EQ(Str("\xfc", true), "{1}\r\n\xfc");
  EXPECT_EQ(Str(std::string_view("a\0b", 3)), "{3}\r\na\x80"
                                              "b");
}

TEST(QuoteTest, AStrings) {
  EXPECT_EQ(AStr("INBOX"), "INBOX");
  EXPECT_EQ(AStr("a]"), "a]");
  for (const char* text : {"", "a b", "(", "a*", "%", "{", "nil", "NIL"}) EXPECT_EQ(AStr(text), "\"" + std::string(text) + "\"");
  std::string out;
  AppendNString(out, std::nullopt);
  AppendNString(out, "NIL");
  EXPECT_EQ(out, "NIL\"NIL\"");
}

TEST(QuoteTest, LiteralHeads) {
  std::string out;
  AppendLiteralHead(out, UINT64_MAX);
  AppendLiteralHead(out, 0, true);
  EXPECT_EQ(out, "{18446744073709551615}\r\n~{0}\r\n");
}

TEST(FlagsTest, Names) {
  EXPECT_EQ(SystemFlagByName("\\SEEN"), kSeen);
  EXPECT_EQ(SystemFlagByName("\\recent"), kRecent);
  EXPECT_EQ(SystemFlagByName("Seen"), std::nullopt);
  EXPECT_TRUE(IsValidKeyword("$Forwarded"));
  EXPECT_FALSE(IsValidKeyword(""));
  EXPECT_FALSE(IsValidKeyword("\\Seen"));
  EXPECT_FALSE(IsValidKeyword("a]"));
  EXPECT_TRUE(IsValidKeyword(std::string(kMaxKeywordLength, 'a')));
  EXPECT_FALSE(IsValidKeyword(std::string(kMaxKeywordLength + 1, 'a')));
  FlagList flags;
  flags.system = kSeen | kAnswered | kRecent;
  flags.AddKeyword("$Junk");
  flags.AddKeyword("$JUNK");
  std::string out;
  AppendFlags(out, flags);
  EXPECT_EQ(out, "\\Answered \\Seen \\Recent $Junk");
}

}  // namespace
}  // namespace mailmesh::imap
