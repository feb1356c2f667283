#include "common/mime/seven_bit.h"

#include <gtest/gtest.h>

namespace mailmesh::mime {
namespace {

// In pieces of this size, all three passes.
std::string Convert(const std::string& message, size_t step = SIZE_MAX, bool* convertible = nullptr) {
  const Structure structure = ParseStructure(message);
  SevenBitScanner scanner(structure);
  for (size_t i = 0; i < message.size(); i += std::min(step, message.size())) scanner.Append(std::string_view(message).substr(i, step));
  if (convertible != nullptr) *convertible = scanner.convertible();
  if (!scanner.has_eight_bit() || !scanner.convertible()) return message;
  SevenBitConverter converter(scanner);
  std::string out;
  for (size_t i = 0; i < message.size(); i += std::min(step, message.size())) {
    converter.Append(std::string_view(message).substr(i, step), &out);
  }
  converter.Finish(&out);
  return out;
}

bool IsSevenBit(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

constexpr char kText[] =
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9f"
    "e\r\n.\r\n";
constexpr char kMixed[] =
    "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\ncontent-transfer-encoding: 8bit\r\n\r\npreamble\r\n"
    "--b\r\n\r\nplain\r\n"
    "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xe4\r\n\r\n"
    "--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xff\xfe\r\n"
    "--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: inner\r\n\r\n\xf6\r\n"
    "--b--\r\nepilogue\r\n";

TEST(SevenBit, TextBecomesQuotedPrintable) {
  EXPECT_EQ(Convert(kText),
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            "Gr=C3=BC=C3=9Fe\r\n.\r\n");
}

TEST(SevenBit, PartsAreConvertedAndWhatHoldsThemSaysSo) {
  EXPECT_EQ(Convert(kMixed),
            "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\npreamble\r\n"
            "--b\r\n\r\nplain\r\n"
            "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E4\r\n\r\n"
            "--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n//4=\r\n"
            "--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
            "Subject: inner\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n=F6\r\n"
            "--b--\r\nepilogue\r\n");
}

TEST(SevenBit, TheSameAtEverySplit) {
  for (const std::string& message : {std::string(kText), std::string(kMixed)}) {
    const std::string whole = Convert(message);
    EXPECT_TRUE(IsSevenBit(whole));
    for (size_t step = 1; step < message.size(); ++step) ASSERT_EQ(Convert(message, step), whole) << step;
  }
}

TEST(SevenBit, ConvertedPartsDecodeToWhatTheyWere) {
  const std::string converted = Convert(kMixed);
  const Structure before = ParseStructure(kMixed);
  const Structure after = ParseStructure(converted);
  ASSERT_EQ(before.parts.size(), after.parts.size());
  for (size_t i = 0; i < before.parts.size(); ++i) {
    if (before.parts[i].first_child != kNoPart) continue;
    const auto content = [](const Part& part, const std::string& message) {
      return DecodeTransfer(part.encoding, std::string_view(message).substr(part.body_offset, part.body_size));
    };
    EXPECT_EQ(content(before.parts[i], kMixed), content(after.parts[i], converted)) << i;
  }
}

TEST(SevenBit, AMessageWithoutMimeSaysThatNobodyKnows) {
  EXPECT_EQ(Convert("Subject: x\r\n\r\n\xe4\r\n"),
            "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E4\r\n");
}

TEST(SevenBit, WhatHasNothingToConvertIsLeftAlone) {
  for (const std::string& message :
       {std::string("Subject: x\r\n\r\nplain\r\n"), std::string("Subject: \xe4\r\n\r\nplain\r\n"), std::string(), std::string("\r\n")}) {
    EXPECT_EQ(Convert(message), message);
  }
}

TEST(SevenBit, WhatIsSignedCannotBeConverted) {
  bool convertible = true;
  const std::string message =
      "MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n--s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xe4\r\n--s--\r\n";
  EXPECT_EQ(Convert(message, SIZE_MAX, &convertible), message);
  EXPECT_FALSE(convertible);
}

}  // namespace
}  // namespace mailmesh::mime
