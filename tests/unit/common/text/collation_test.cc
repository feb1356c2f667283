#include "common/text/collation.h"

#include <gtest/gtest.h>

#include "common/text/casefold.h"

namespace mailmesh::text {
namespace {

TEST(CollationTest, CaseDoesNotCount) {
  EXPECT_EQ(CollationKey("Hello, World_1"), "HELLO, WORLD_1");
  EXPECT_EQ(CollationKey("straße"), CollationKey("STRAßE"));
  EXPECT_EQ(CollationKey("ÄÖÜ"), CollationKey("äöü"));
  EXPECT_EQ(CollationKey("Σίσυφος"), CollationKey("ΣΊΣΥΦΟΣ"));
}

// RFC 5051, 2: an accent typed as one character or as two is the same.
TEST(CollationTest, AccentsAreDecomposed) {
  EXPECT_EQ(CollationKey("\u00e9t\u00e9"), CollationKey("E\u0301te\u0301"));
  EXPECT_EQ(CollationKey("\u00e9"), "E\u0301");
  EXPECT_EQ(CollationKey("\u1e69"), "S\u0323\u0307");
}

TEST(CollationTest, Order) {
  EXPECT_LT(CollationKey(""), CollationKey("a"));
  EXPECT_LT(CollationKey("ab"), CollationKey("abc"));
  EXPECT_LT(CollationKey("zebra"), CollationKey("_zebra"));  // "_" stands between the capitals and the small letters
  EXPECT_LT(CollationKey("\u00e4pfel"), CollationKey("zebra"));
}

TEST(CollationTest, FoldedTextGivesTheSameKey) {
  for (const char* text : {"Plain", "ÄÖÜ ß é", "ΣΊΣΥΦΟΣ", "Привет", "日本語"}) {
    EXPECT_EQ(CollationKey(FoldCase(text)), CollationKey(text)) << text;
  }
}

TEST(CollationTest, OctetsThatAreNoTextPass) {
  EXPECT_EQ(CollationKey("a\xff\xc3"), "A\xff\xc3");
  EXPECT_EQ(CollationKey(std::string_view("a\0b", 3)), std::string_view("A\0B", 3));
}

}  // namespace
}  // namespace mailmesh::text
