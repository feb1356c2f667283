#include "common/imap/list_pattern.h"

#include <chrono>

#include <gtest/gtest.h>

namespace mailmesh::imap {
namespace {

using Match = ListPattern::Match;

struct Case {
  const char* pattern;
  const char* name;
  Match expected;
};

class ListPatternTest : public ::testing::TestWithParam<Case> {};

TEST_P(ListPatternTest, Matches) {
  const Case& c = GetParam();
  EXPECT_EQ(ListPattern("", c.pattern).Test(c.name), c.expected) << c.pattern << " " << c.name;
}

INSTANTIATE_TEST_SUITE_P(All, ListPatternTest,
                         ::testing::Values(Case{"*", "a/b", Match::kYes}, Case{"%", "a", Match::kYes},
                                           Case{"%", "a/b", Match::kNo}, Case{"%/%", "a", Match::kParent},
                                           Case{"%/%", "a/b", Match::kYes}, Case{"a*c", "abc", Match::kYes},
                                           Case{"a*c", "a/b/c", Match::kYes}, Case{"a%c", "a/c", Match::kNo},
                                           Case{"a%c", "ac", Match::kYes}, Case{"a*", "a", Match::kYes},
                                           Case{"*a*b*", "xaxxb", Match::kYes}, Case{"*a%b", "a/axb", Match::kYes},
                                           Case{"*a%b", "axx/b", Match::kParent}, Case{"%*", "a/b", Match::kYes},
                                           Case{"%%%", "a/b", Match::kNo}, Case{"", "a", Match::kNo},
                                           Case{"", "", Match::kYes}, Case{"inbox", "INBOX", Match::kYes},
                                           Case{"inb*", "INBOX", Match::kYes}, Case{"i%x/a", "INBOX/a", Match::kYes},
                                           Case{"inbox/A", "INBOX/a", Match::kNo}, Case{"InBoXes", "INBOX", Match::kNo},
                                           Case{"a/b/c", "a", Match::kParent}, Case{"a/b/c", "a/b", Match::kParent},
                                           Case{"a/b/c", "a/b/c/d", Match::kNo}, Case{"a/", "a", Match::kNo},
                                           Case{"ab", "a", Match::kNo}, Case{"A", "a", Match::kNo},
                                           Case{"%a/b", "xa", Match::kParent}, Case{"\xc3%", "\xc3\xbc", Match::kYes}));

TEST(ListPatternTest, ReferenceAndPrefix) {
  EXPECT_EQ(ListPattern("Mail/", "%").pattern(), "Mail/%");
  EXPECT_EQ(ListPattern("Mail/", "x%").FixedPrefix(), "Mail/x");
  EXPECT_EQ(ListPattern("", "inb%").FixedPrefix(), "");
  EXPECT_EQ(ListPattern("", "inbox/b*").FixedPrefix(), "INBOX/b");
  EXPECT_EQ(ListPattern("", "*").FixedPrefix(), "");
  EXPECT_EQ(ListPattern("", "abc").FixedPrefix(), "abc");
}

TEST(ListPatternTest, LongPatterns) {
  const std::string name = std::string(200, 'a') + "/" + std::string(200, 'b');
  EXPECT_TRUE(ListPattern("", name).Matches(name));
  EXPECT_TRUE(ListPattern("", std::string(200, 'a') + "/%b").Matches(name));
  EXPECT_FALSE(ListPattern("", name + "x").Matches(name));
  EXPECT_FALSE(ListPattern("", std::string(100000, 'a') + "*").Matches(name));
}

TEST(ListPatternTest, HostilePatternsEndSoon) {
  std::string pattern;
  for (int i = 0; i < 500; ++i) pattern += "a*a%";
  const ListPattern list("", pattern.substr(0, 1900));
  const std::string name(1000, 'a');
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) list.Test(name + "b");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

}  // namespace
}  // namespace mailmesh::imap
