#include "common/text/substring_matcher.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace mailmesh::text {
namespace {

TEST(SubstringMatcherTest, FindsWithoutCaseAtEverySplit) {
  const std::string text = "The Quick aaab br\xc3\x9cn";
  for (const std::string needle : {"quick", "THE", "aab", "br\xc3\xbcN", "n", ""}) {
    EXPECT_TRUE(ContainsIgnoreCase(text, needle)) << needle;
    for (size_t split = 0; split <= text.size(); ++split) {
      if (split < text.size() && (static_cast<unsigned char>(text[split]) & 0xc0) == 0x80) continue;
      SubstringMatcher matcher(needle);
      matcher.Feed(std::string_view(text).substr(0, split));
      matcher.Feed(std::string_view(text).substr(split));
      EXPECT_TRUE(matcher.found()) << needle << " split at " << split;
    }
  }
  EXPECT_FALSE(ContainsIgnoreCase(text, "quickly"));
  EXPECT_FALSE(ContainsIgnoreCase("", "x"));
}

TEST(SubstringMatcherTest, BreakSeparates) {
  SubstringMatcher matcher("ab");
  matcher.Feed("a");
  matcher.Break();
  matcher.Feed("b");
  EXPECT_FALSE(matcher.found());
  matcher.Feed("ab");
  EXPECT_TRUE(matcher.found());
  matcher.Reset();
  EXPECT_FALSE(matcher.found());
}

TEST(SubstringMatcherTest, LinearOnRepetition) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(ContainsIgnoreCase(std::string(4 << 20, 'a'), std::string(100000, 'a') + "b"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

}  // namespace
}  // namespace mailmesh::text
