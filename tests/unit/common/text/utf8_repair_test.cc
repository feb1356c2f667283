#include "common/text/utf8_repair.h"

#include <gtest/gtest.h>

#include <string>

namespace mailmesh::text {
namespace {

std::string ByOctets(std::string_view in) {
  Utf8Repairer repairer;
  std::string out;
  for (const char c : in) {
    repairer.Append(std::string_view(&c, 1), &out);
    EXPECT_TRUE(IsValidUtf8(out));
  }
  repairer.Finish(&out);
  return out;
}

TEST(Utf8RepairTest, GoodTextPasses) {
  for (const std::string_view text : {"", "plain", "gr\xc3\xbc\xc3\x9f", "\xe2\x82\xac \xf0\x9f\x98\x80 end of it, long enough"}) {
    EXPECT_EQ(RepairUtf8(text), text);
    EXPECT_EQ(ByOctets(text), text);
    EXPECT_TRUE(IsValidUtf8(text));
  }
}

TEST(Utf8RepairTest, BadOctetsAreReplacedAtEverySplit) {
  const std::string r(kReplacementCharacter);
  const std::pair<std::string, std::string> table[] = {
      {"a\xff" "b", "a" + r + "b"},         {"\xc3", r},
      {"\xc3(", r + "("},                   {"\xe2\x82", r + r},
      {"\xe2\x82(", r + r + "("},           {"\xed\xa0\x80", r + r + r},
      {"\xf0\x9f\x98", r + r + r},          {"\xc0\xaf", r + r},
      {"\xf4\x90\x80\x80", r + r + r + r},  {"\xe2\xe2\x82\xac", r + "\xe2\x82\xac"},
      {"\x80\x80", r + r}};
  for (const auto& [in, out] : table) {
    EXPECT_EQ(RepairUtf8(in), out);
    EXPECT_EQ(ByOctets(in), out);
    EXPECT_FALSE(IsValidUtf8(in));
  }
}

TEST(Utf8RepairTest, Ascii) {
  EXPECT_TRUE(IsAscii(""));
  EXPECT_TRUE(IsAscii("only seven bits in here, more than eight octets"));
  EXPECT_FALSE(IsAscii("only seven bits in here, but \xc3\xa4"));
}

}  // namespace
}  // namespace mailmesh::text
