#include "common/mime/surrogate.h"

#include <gtest/gtest.h>

#include "common/mime/address.h"
#include "common/mime/encoded_word.h"
#include "common/mime/header.h"

namespace mailmesh::mime {
namespace {

TEST(Surrogate, IsNeededByUtf8AndNothingElse) {
  EXPECT_FALSE(NeedsSurrogate("Subject: plain\r\n\r\n"));
  EXPECT_FALSE(NeedsSurrogate(""));
  EXPECT_TRUE(NeedsSurrogate("Subject: gr\xc3\xbc\xc3\x9f\r\n\r\n"));
  EXPECT_FALSE(NeedsSurrogate("Subject: gr\xfc\xdf\r\n\r\n")) << "Latin-1 is old mail, not RFC 6532";
  EXPECT_FALSE(NeedsSurrogate("Subject: gr\xc3\xbc\r\nX: \xff\r\n\r\n"));
}

TEST(Surrogate, AsciiFieldsStayOctetForOctet) {
  const std::string kept = "X-Odd :\t folded\r\n  twice\r\nno colon\r\n";
  EXPECT_EQ(SurrogateHeader(kept + "Subject: gr\xc3\xbc\r\n\r\n"), kept + "Subject: =?utf-8?Q?gr=C3=BC?=\r\n\r\n");
  EXPECT_EQ(SurrogateHeader(kept), kept) << "no blank line where there was none";
}

// Reads the one field of a surrogate back.
std::string Value(std::string_view field) {
  const std::string header = SurrogateHeader(field);
  for (char c : header) EXPECT_GE(c, 0) << header;
  const HeaderBlock block = ScanHeader(header);
  EXPECT_EQ(block.fields.size(), 1u) << header;
  return std::string(block.fields.at(0).value);
}

TEST(Surrogate, NamesAreEncodedAndAddressesStayUsable) {
  const AddressList list = ParseAddressList(Value("To: J\xc3\xbcrgen <j@a.test>, \"Plain\" <p@a.test>\r\n"));
  ASSERT_EQ(list.addresses.size(), 2u);
  EXPECT_FALSE(list.damaged);
  EXPECT_EQ(DecodeHeaderText(*list.addresses[0].name), "J\xc3\xbcrgen");
  EXPECT_EQ(FormatAddrSpec(list.addresses[0]), "j@a.test");
  EXPECT_EQ(FormatAddrSpec(list.addresses[1]), "p@a.test");
}

// RFC 6858, 2.1
TEST(Surrogate, AnAddressBeyondAsciiBecomesAnEmptyGroup) {
  const AddressList list = ParseAddressList(Value("From: J <j\xc3\xbc@a.test>, ok@a.test\r\n"));
  ASSERT_EQ(list.addresses.size(), 3u);
  EXPECT_EQ(list.addresses[0].kind, Address::Kind::kGroupStart);
  EXPECT_EQ(DecodeHeaderText(list.addresses[0].local_part), "J j\xc3\xbc@a.test");
  EXPECT_EQ(list.addresses[1].kind, Address::Kind::kGroupEnd);
  EXPECT_EQ(FormatAddrSpec(list.addresses[2]), "ok@a.test");
}

TEST(Surrogate, Groups) {
  const AddressList list = ParseAddressList(Value("Cc: Fr\xc3\xbch: a@a.test, \xc3\xbc@a.test; , b@a.test\r\n"));
  ASSERT_EQ(list.addresses.size(), 5u);
  EXPECT_EQ(DecodeHeaderText(list.addresses[0].local_part), "Fr\xc3\xbch");
  EXPECT_EQ(FormatAddrSpec(list.addresses[1]), "a@a.test");
  EXPECT_EQ(FormatAddrSpec(list.addresses[2]), "unreachable@invalid");
  EXPECT_EQ(FormatAddrSpec(list.addresses[4]), "b@a.test");
}

TEST(Surrogate, ParametersKeepTheirType) {
  const std::string value = Value("Content-Type: multipart/mixed; boundary=\"=?a?q?b?=\"; name=\"gr\xc3\xbc.txt\"\r\n");
  EXPECT_NE(value.find("multipart/mixed"), std::string::npos) << value;
  EXPECT_NE(value.find("boundary=\"=?a?q?b?=\""), std::string::npos) << value;
  EXPECT_NE(value.find("name*=utf-8''gr%C3%BC.txt"), std::string::npos) << value;
}

TEST(Surrogate, DamagedLines) {
  const std::string header = SurrogateHeader("gr\xc3\xbc without colon\r\nGr\xc3\xbc: name\r\n\r\n");
  EXPECT_FALSE(NeedsSurrogate(header));
  EXPECT_EQ(ScanHeader(header).fields.size(), 2u) << header;
}

}  // namespace
}  // namespace mailmesh::mime
