#include "common/text/charset.h"

#include <gtest/gtest.h>

#include <string>

namespace mailmesh::text {
namespace {

TEST(CharsetTest, DecodesAtEverySplit) {
  struct Case {
    std::string charset, in, out;
  };
  const Case table[] = {
      {"iso-8859-1", "gr\xfc\xdf", "gr\xc3\xbc\xc3\x9f"},
      {"ISO-8859-15", "\xa4", "\xe2\x82\xac"},
      {"windows-1252", "\x80 5", "\xe2\x82\xac 5"},
      {"koi8-r", "\xf0\xd2\xc9", "\xd0\x9f\xd1\x80\xd0\xb8"},
      {"iso-2022-jp", "\x1b$B$3$s\x1b(B", "\xe3\x81\x93\xe3\x82\x93"},
      {"shift_jis", "\x82\xb1", "\xe3\x81\x93"},
      {"gb2312", "\xc4\xe3", "\xe4\xbd\xa0"},
      {"utf-16be", std::string("\0a\x20\xac", 4), "a\xe2\x82\xac"},
      {"utf-7", "+IKw-", "\xe2\x82\xac"},
      {"us-ascii", "\xe2\x82\xac", "\xe2\x82\xac"},
      {"", "plain", "plain"},
      {"UTF-8", "\xff", "\xef\xbf\xbd"},
      {"shift_jis", "a\x82", "a\xef\xbf\xbd"},
  };
  for (const Case& c : table) {
    EXPECT_EQ(DecodeCharset(c.charset, c.in), c.out) << c.charset;
    for (size_t split = 0; split <= c.in.size(); ++split) {
      auto decoder = CharsetDecoder::Open(c.charset);
      ASSERT_TRUE(decoder.has_value());
      std::string out;
      decoder->Append(std::string_view(c.in).substr(0, split), &out);
      EXPECT_TRUE(IsValidUtf8(out));
      decoder->Append(std::string_view(c.in).substr(split), &out);
      decoder->Finish(&out);
      EXPECT_EQ(out, c.out) << c.charset << " split at " << split;
    }
  }
}

TEST(CharsetTest, UnknownCharsets) {
  for (const std::string& name : {std::string("no-such-charset"), std::string("utf-8,swaplfnl"), std::string(1000, 'x'),
                                  std::string("a\0b", 3), std::string("a b")}) {
    EXPECT_FALSE(IsKnownCharset(name));
    EXPECT_FALSE(DecodeCharset(name, "x").has_value());
  }
}

TEST(CharsetTest, LongTextAndReuse) {
  auto decoder = CharsetDecoder::Open("iso-8859-1");
  ASSERT_TRUE(decoder.has_value());
  for (int round = 0; round < 2; ++round) {
    std::string out;
    decoder->Append(std::string(100000, '\xfc'), &out);
    decoder->Finish(&out);
    EXPECT_EQ(out.size(), 200000u);
  }
}

TEST(CharsetTest, WhatIsOfferedIsKnown) {
  for (const std::string_view charset : kCommonCharsets) EXPECT_TRUE(IsKnownCharset(charset)) << charset;
}

}  // namespace
}  // namespace mailmesh::text
