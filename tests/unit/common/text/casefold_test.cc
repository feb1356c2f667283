#include "common/text/casefold.h"

#include <gtest/gtest.h>

#include "common/text/ascii.h"

namespace mailmesh::text {
namespace {

TEST(CasefoldTest, Table) {
  EXPECT_EQ(FoldCase("Hello"), "hello");
  EXPECT_EQ(FoldCase("GR\xc3\x9c\xc3\x9f" "E"), "gr\xc3\xbc\xc3\x9f" "e");       // Ü folds, ß stays (simple folding)
  EXPECT_EQ(FoldCase("\xce\xa3\xcf\x82"), "\xcf\x83\xcf\x83");                   // both sigmas
  EXPECT_EQ(FoldCase("\xd0\x9f\xd0\xa0"), "\xd0\xbf\xd1\x80");                   // Cyrillic
  EXPECT_EQ(FoldCase("\xe2\x84\xaa"), "k");                                      // KELVIN SIGN
  EXPECT_EQ(FoldCase("a\xff" "B"), "a\xff" "b");                                 // not UTF-8: unchanged
}

TEST(AsciiTest, IgnoresCaseOfLettersOnly) {
  EXPECT_TRUE(EqualsIgnoreAsciiCase("Content-Type", "cONTENT-tYPE"));
  EXPECT_FALSE(EqualsIgnoreAsciiCase("@", "`"));
  EXPECT_FALSE(EqualsIgnoreAsciiCase("a", "ab"));
  EXPECT_TRUE(StartsWithIgnoreAsciiCase("Content-ID", "content-"));
  EXPECT_EQ(LowerAscii(std::string_view("A\xc3\x9cZ")), "a\xc3\x9cz");
}

}  // namespace
}  // namespace mailmesh::text
