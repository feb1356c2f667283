#include "common/dns/idna.h"

#include <gtest/gtest.h>

#include "common/dns/records.h"

namespace mailmesh::dns {
namespace {

using namespace std::literals;

TEST(IdnaTest, Converts) {
  EXPECT_EQ(*ToAsciiName("Example.COM."), "example.com");
  EXPECT_EQ(*ToAsciiName("b\xc3\xbc" "cher.example"), "xn--bcher-kva.example");
  EXPECT_EQ(*ToAsciiName("stra\xc3\x9f" "e.example"), "xn--strae-oqa.example") << "non-transitional";
  EXPECT_EQ(*ToAsciiName("\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88"), "xn--r8jz45g.xn--zckzah");
  EXPECT_EQ(*ToAsciiName("_25._tcp.mx.example"), "_25._tcp.mx.example");
  EXPECT_EQ(*ToAsciiName("localhost"), "localhost");
}

TEST(IdnaTest, Refuses) {
  for (std::string_view name : {""sv, "."sv, "a..b"sv, ".a"sv, "a.."sv, "a b"sv, "a@b"sv, "a\0b"sv, "\xff.example"sv,
                                "a/b.example"sv}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ToAsciiName(name).status())) << name;
  }
}

TEST(IdnaTest, Limits) {
  const std::string label63(63, 'a');
  EXPECT_TRUE(ToAsciiName(label63 + ".example").ok());
  EXPECT_FALSE(ToAsciiName(label63 + "a.example").ok());
  const std::string name253 = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'b');
  ASSERT_EQ(name253.size(), 253u);
  EXPECT_TRUE(ToAsciiName(name253).ok());
  EXPECT_TRUE(ToAsciiName(name253 + ".").ok());
  EXPECT_FALSE(ToAsciiName(name253 + "b").ok());
  EXPECT_FALSE(ToAsciiName(std::string(100'000, 'a')).ok());
}

TEST(RecordsTest, Names) {
  EXPECT_EQ(ParseWireName("\4mail\7Example\0"sv), "mail.example");
  EXPECT_EQ(ParseWireName("\0"sv), "");
  for (std::string_view bad : {""sv, "\4mai"sv, "\4mail"sv, "\4mail\0x"sv, "\xc0\x0c"sv, "\3a.b\0"sv, "\3a b\0"sv}) {
    EXPECT_FALSE(ParseWireName(bad).has_value());
  }
  std::string longest;
  for (int i = 0; i < 127; ++i) longest += "\1a"s;
  EXPECT_TRUE(ParseWireName(longest + "\0"s).has_value());
  EXPECT_FALSE(ParseWireName(longest + "\1a\0"s).has_value());
}

TEST(RecordsTest, Values) {
  EXPECT_EQ(ParseMx("\0\12\2mx\0"sv), (MxRecord{10, "mx"}));
  EXPECT_FALSE(ParseMx("\0"sv).has_value());
  EXPECT_FALSE(ParseMx("\0\12"sv).has_value());
  EXPECT_EQ(ParseTxt("\3abc\2de\0"sv), "abcde");
  EXPECT_FALSE(ParseTxt("\4abc"sv).has_value());
  EXPECT_EQ(ParseA("\xc0\0\2\1"sv)->ToString(), "192.0.2.1");
  EXPECT_FALSE(ParseA("\1\2\3"sv).has_value());
  EXPECT_FALSE(ParseAaaa("\1\2\3\4"sv).has_value());
  EXPECT_FALSE(ParseTlsa("\3\1\1"sv).has_value());
  EXPECT_EQ(ParseTlsa("\3\1\1\xab"sv)->data, "\xab");
}

}  // namespace
}  // namespace mailmesh::dns
