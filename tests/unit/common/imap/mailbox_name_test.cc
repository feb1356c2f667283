#include "common/imap/mailbox_name.h"

#include <gtest/gtest.h>

namespace mailmesh::imap {
namespace {

TEST(ModifiedUtf7Test, RoundTrips) {
  const std::pair<const char*, const char*> kNames[] = {
      {"INBOX", "INBOX"},
      {"Lists & more", "Lists &- more"},
      {"~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},  // RFC 3501, 5.1.3
      {"Entwürfe", "Entw&APw-rfe"},
      {"&", "&-"},
      {"\xf0\x9f\x93\xac", "&2D3c7A-"},
      {"a\tb", "a&AAk-b"},
      {"-ü-", "-&APw--"},
      {"", ""},
  };
  for (const auto& [utf8, wire] : kNames) {
    EXPECT_EQ(EncodeModifiedUtf7(utf8), wire);
    const auto decoded = DecodeModifiedUtf7(wire);
    ASSERT_TRUE(decoded.ok()) << wire;
    EXPECT_EQ(*decoded, utf8);
  }
}

TEST(ModifiedUtf7Test, RefusesEverythingElse) {
  for (const char* wire :
       {"&", "a&", "&APw", "&APw=-", "&AP w-", "&AGE-" /* "a" */, "&2D0-" /* lone high */, "&3Kw-" /* lone low */,
        "&2D0AYQ-", "&AP-" /* bits left over */, "&APx-" /* not zero */, "&A-", "&U,BTFw-&ZeVnLIqe-" /* superfluous shift */,
        "&Jjo!-", "\xc3\xbc", "a\x01", "a\x7f", "&AAA-" /* NUL */, "&AP/-", "&ACY-" /* "&" */}) {
    EXPECT_FALSE(DecodeModifiedUtf7(wire).ok()) << wire;
  }
}

TEST(ModifiedUtf7Test, EncodesBrokenUtf8) { EXPECT_EQ(EncodeModifiedUtf7("a\xff"), "a&,,0-"); }

TEST(MailboxNameTest, InboxIsCaseless) {
  EXPECT_EQ(CanonicalMailboxName("inbox"), "INBOX");
  EXPECT_EQ(CanonicalMailboxName("iNbOx/a"), "INBOX/a");
  EXPECT_EQ(CanonicalMailboxName("inboxes"), "inboxes");
  EXPECT_EQ(CanonicalMailboxName("a/inbox"), "a/inbox");
  EXPECT_EQ(*DecodeMailboxName("inbox", false), "INBOX");
}

TEST(MailboxNameTest, Utf8Accept) {
  EXPECT_EQ(*DecodeMailboxName("A&B/\xc3\xbc", true), "A&B/ü");
  EXPECT_FALSE(DecodeMailboxName("\xc3", true).ok());
  EXPECT_FALSE(DecodeMailboxName("A&B", false).ok());
  std::string out;
  AppendMailboxName(out, "A&B ü", true);
  AppendMailboxName(out, "A&B ü", false);
  AppendMailboxName(out, "x", false);
  EXPECT_EQ(out, "\"A&B ü\"\"A&-B &APw-\"x");
}

TEST(MailboxNameTest, Validates) {
  for (const char* name : {"a", "INBOX", "a/b/c", "ü", ".a", "a..b", "&", "a b"}) EXPECT_TRUE(ValidateMailboxName(name).ok()) << name;
  for (const char* name : {"", "/", "a/", "/a", "a//b", "a*", "%", "a\n", "\x7f", "\xc2\x80", "\xe2\x80\xa8", "\xff", ".", "a/../b"}) {
    EXPECT_FALSE(ValidateMailboxName(name).ok()) << name;
  }
}

TEST(MailboxNameTest, Limits) {
  const auto levels = [](size_t count) {
    std::string name = "a";
    for (size_t i = 1; i < count; ++i) name += "/a";
    return name;
  };
  EXPECT_TRUE(ValidateMailboxName(levels(kMaxMailboxDepth)).ok());
  EXPECT_FALSE(ValidateMailboxName(levels(kMaxMailboxDepth + 1)).ok());
  EXPECT_TRUE(ValidateMailboxName(std::string(kMaxMailboxLevelLength, 'a')).ok());
  EXPECT_FALSE(ValidateMailboxName(std::string(kMaxMailboxLevelLength + 1, 'a')).ok());
  std::string longest;
  while (longest.size() < kMaxMailboxNameLength) longest += longest.size() % 200 == 199 ? '/' : 'a';
  longest.back() = 'a';
  EXPECT_TRUE(ValidateMailboxName(longest).ok());
  EXPECT_FALSE(ValidateMailboxName(longest + "a").ok());
}

}  // namespace
}  // namespace mailmesh::imap
