#include "common/base/bytes.h"

#include <gtest/gtest.h>

#include "common/base/random.h"
#include "common/base/utf8.h"

namespace mailmesh::base {
namespace {

TEST(BigEndianTest, SortsLikeNumbersAndComesBack) {
  std::string low, high;
  AppendBigEndian<uint64_t>(low, 0x01ff);
  AppendBigEndian<uint64_t>(high, 0x0200);
  EXPECT_EQ(low.size(), 8u);
  EXPECT_LT(low, high);
  std::string mixed;
  AppendBigEndian<uint8_t>(mixed, 0xfe);
  AppendBigEndian<uint16_t>(mixed, 0xfffe);
  AppendBigEndian<uint32_t>(mixed, 0x80000001);
  std::string_view view = mixed;
  EXPECT_EQ(TakeBigEndian<uint8_t>(view), 0xfe);
  EXPECT_EQ(TakeBigEndian<uint16_t>(view), 0xfffe);
  EXPECT_EQ(TakeBigEndian<uint64_t>(view), std::nullopt);
  EXPECT_EQ(view.size(), 4u);
  EXPECT_EQ(TakeBigEndian<uint32_t>(view), 0x80000001u);
  EXPECT_TRUE(view.empty());
}

TEST(HexTest, RoundTripAndErrors) {
  EXPECT_EQ(HexEncode(std::string_view("\x00\xff\x1a", 3)), "00ff1a");
  EXPECT_EQ(HexDecode("00FF1a"), std::string("\x00\xff\x1a", 3));
  EXPECT_EQ(HexDecode("0"), std::nullopt);
  EXPECT_EQ(HexDecode("0g"), std::nullopt);
}

TEST(BytesTest, PercentDecode) {
  EXPECT_EQ(PercentDecode("%5B2001:db8::1%5d:25"), "[2001:db8::1]:25");
  EXPECT_EQ(PercentDecode("%00%ff"), std::string("\x00\xff", 2));
  // What is no escape stays, at the end too.
  for (const char* text : {"", "%", "a%", "%4", "%4g", "%g4", "%%", "100%"}) EXPECT_EQ(PercentDecode(text), text);
  EXPECT_EQ(PercentDecode("%%41"), "%A");
  EXPECT_EQ(PercentDecode("%2541"), "%41");
}

TEST(Base64Test, VectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(Base64Encode(plain), encoded);
    EXPECT_EQ(Base64Decode(encoded), plain);
  }
}

TEST(Base64Test, RefusesWhatIsNotStrict) {
  for (const char* bad :
       {"Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "Zm-v", "=m9v", "Z=9v"}) {
    EXPECT_EQ(Base64Decode(bad), std::nullopt) << bad;
  }
}

TEST(Base64Test, RandomOctetsComeBack) {
  for (size_t size = 0; size < 70; ++size) {
    const std::string octets = RandomString(size);
    EXPECT_EQ(Base64Decode(Base64Encode(octets)), octets);
  }
}

TEST(ConstantTimeEqualTest, Compares) {
  EXPECT_TRUE(ConstantTimeEqual("", ""));
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "ab"));
}

TEST(PrintableTest, EscapesWhatMovesATerminal) {
  EXPECT_EQ(Printable("plain"), "plain");
  EXPECT_EQ(Printable("a\r\nb\tc\x1b[31m"), "a\\r\\nb\\tc\\x1b[31m");
  EXPECT_EQ(Printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(Printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(Printable("\xc2\x9b"), "\\xc2\\x9b");           // CSI in eight bits
  EXPECT_EQ(Printable("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right-to-left override
  EXPECT_EQ(Printable(std::string_view("\0", 1)), "\\x00");
}

TEST(PrintableTest, CutsAtTheLimitWithoutSplittingACharacter) {
  EXPECT_EQ(Printable("abcd", 4), "abcd");
  EXPECT_EQ(Printable("abcde", 4), "abcd...(1 more)");
  EXPECT_EQ(Printable("abc\xc3\xbc", 4), "abc...(2 more)");
}

TEST(Utf8Test, RefusesWhatRfc3629Forbids) {
  for (const char* good : {"a", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(Utf8SequenceLength(good, 0), std::string_view(good).size()) << good;
  }
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3\x28"}) {
    EXPECT_EQ(Utf8SequenceLength(bad, 0), 0u) << Printable(bad);
  }
}

}  // namespace
}  // namespace mailmesh::base
