#include "common/mime/encoded_word.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "common/text/utf8_repair.h"

namespace mailmesh::mime {
namespace {

TEST(EncodedWordTest, Decodes) {
  const std::pair<std::string, std::string> table[] = {
      {"plain", "plain"},
      {" =?utf-8?q?a?=", "a"},
      // RFC 2047, 8.
      {"(=?ISO-8859-1?Q?a?=)", "(a)"},
      {"=?ISO-8859-1?Q?a?= b", "a b"},
      {"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"},
      {"=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab"},
      {"=?ISO-8859-1?Q?a_b?=", "a b"},
      {"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"},
      {"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"},
      {"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
       "If you can read this you understand the example."},
      {"=?utf-8?b?w7w=?= x =?utf-8?Q?=c3=bc?=", "\xc3\xbc x \xc3\xbc"},
      {"=?utf-8?q?=c3?= =?utf-8?q?=bc?=", "\xc3\xbc"},
      {"=?nosuch?q?a?= =?nosuch?q?b?=", "=?nosuch?q?a?= =?nosuch?q?b?="},
      {"=?utf-8?q?a?= =?nosuch?q?b?= =?utf-8?q?c?=", "a =?nosuch?q?b?= c"},
      {"=?utf-8?x?a?=", "=?utf-8?x?a?="},
      {"=?utf-8?q?a", "=?utf-8?q?a"},
      {"=?", "=?"},
      {"=??q?a?=", "=??q?a?="},
      {"=?=?utf-8?q?a?=", "=?a"},
      {"raw \xff", "raw \xef\xbf\xbd"},
      {"=?utf-8?q?=ff?=", "\xef\xbf\xbd"},
      {"=?utf-8?q?a=?=", "a="},
      {"=?utf-8?q?a?= ", "a "},
      {"=?utf-8?q?a?=  b", "a  b"},
  };
  for (const auto& [in, out] : table) EXPECT_EQ(DecodeHeaderText(in), out) << in;
}

TEST(EncodedWordTest, OutputLimit) {
  for (const size_t limit : {3u, 4u, 5u}) EXPECT_EQ(DecodeHeaderText("abcd", limit), std::string("abcd").substr(0, limit));
  EXPECT_EQ(DecodeHeaderText("=?utf-8?q?=c3=bc=c3=bc?=", 3), "\xc3\xbc");
}

TEST(EncodedWordTest, LinearOnOneMebibyte) {
  const auto start = std::chrono::steady_clock::now();
  for (const std::string unit : {"=?", "=?utf-8?q?a", "=?utf-8?q?a?= ", "=?utf-8?q?a?=", "=?a?b?", "=?utf-8?b?w7w=?= ", "=?koi8-r?q?=f0?= ",
                                 "=?nosuch?q?x?= ", "\xff"}) {
    std::string text;
    while (text.size() < (1u << 20)) text += unit;
    EXPECT_LE(DecodeHeaderText(text).size(), kMaxDecodedHeader) << unit;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(EncodedWordTest, Parameters) {
  EXPECT_EQ(DecodeParameter({"name*", "utf-8'en'%e2%82%ac%20rates"}), (Parameter{"name", "\xe2\x82\xac rates"}));
  EXPECT_EQ(DecodeParameter({"name*", "iso-8859-1''%fc"}), (Parameter{"name", "\xc3\xbc"}));
  EXPECT_EQ(DecodeParameter({"name*", "nosuch''%fc"}), (Parameter{"name", "\xef\xbf\xbd"}));
  EXPECT_EQ(DecodeParameter({"name*", "no quotes%"}), (Parameter{"name", "no quotes%"}));
  EXPECT_EQ(DecodeParameter({"name", "=?utf-8?q?=c3=bc?="}), (Parameter{"name", "\xc3\xbc"}));
  EXPECT_EQ(DecodedParameter({{"filename", "a"}, {"FileName*", "utf-8''b"}}, "filename"), "b");
  EXPECT_EQ(DecodedParameter({}, "filename"), "");
}

TEST(EncodedWordTest, EncodesWhatDecodes) {
  std::string longer;
  for (int i = 0; i < 100; ++i) longer += "\xc3\xbc word ";
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "\xe3\x81\x93";
  for (const std::string& text : {std::string("plain text"), std::string("=?looks?like?"), std::string("gr\xc3\xbc\xc3\x9f" "e"), longer, wide,
                                  std::string("tab\there")}) {
    const std::string encoded = EncodeHeaderText(text);
    EXPECT_EQ(DecodeHeaderText(encoded), text);
    EXPECT_TRUE(text::IsAscii(encoded));
    size_t start = 0;
    if (!encoded.starts_with("=?")) continue;
    while (start < encoded.size()) {
      const size_t end = std::min(encoded.find(' ', start), encoded.size());
      EXPECT_LE(end - start, 75u);
      start = end + 1;
    }
  }
  EXPECT_EQ(EncodeHeaderText("a\r\nBcc: b"), "a  Bcc: b");
}

TEST(EncodedWordTest, EncodeParameter) {
  EXPECT_EQ(EncodeParameter("name", "a.txt"), "name=a.txt");
  EXPECT_EQ(EncodeParameter("name", ""), "name=\"\"");
  EXPECT_EQ(EncodeParameter("name", "a \"b\""), "name=\"a \\\"b\\\"\"");
  EXPECT_EQ(EncodeParameter("name", "\xc3\xbc"), "name*=utf-8''%C3%BC");
  std::string wide;
  for (int i = 0; i < 50; ++i) wide += "\xe3\x81\x93";
  Lexer lexer("");
  const std::string encoded = "; " + EncodeParameter("filename", wide);
  lexer = Lexer(encoded);
  EXPECT_EQ(DecodedParameter(ParseParameters(&lexer), "filename"), wide);
}

}  // namespace
}  // namespace mailmesh::mime
