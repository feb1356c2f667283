#include "common/smtp/dsn.h"

#include <gtest/gtest.h>

#include <string>

#include "common/smtp/enhanced_status.h"

namespace mailmesh::smtp {
namespace {

TEST(DsnTest, XtextRoundTrip) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  const std::string encoded = EncodeXtext(all);
  for (char c : encoded) EXPECT_TRUE(c >= '!' && c <= '~' && c != '=');
  EXPECT_EQ(DecodeXtext(encoded), all);
  EXPECT_EQ(EncodeXtext("a+b=c d"), "a+2Bb+3Dc+20d");
  EXPECT_EQ(DecodeXtext("a+2bb"), "a+b");
  for (const char* bad : {"+", "+2", "a+2G", "a=b", "a b", "a\r", "\xc3\xbc"}) EXPECT_FALSE(DecodeXtext(bad)) << bad;
}

TEST(DsnTest, Notify) {
  EXPECT_EQ(ToString(*ParseNotify("never")), "NEVER");
  EXPECT_EQ(ToString(*ParseNotify("DELAY,success,Failure")), "SUCCESS,FAILURE,DELAY");
  EXPECT_FALSE(Notify{}.given());
  EXPECT_EQ(ToString(Notify{}), "");
  for (const char* bad : {"", "NEVER,DELAY", "SUCCESS,", ",", "ALWAYS", "SUCCESS DELAY"}) {
    EXPECT_FALSE(ParseNotify(bad)) << bad;
  }
}

TEST(DsnTest, RetAndEnvid) {
  EXPECT_EQ(ParseRet("full"), Ret::kFull);
  EXPECT_EQ(ParseRet("HDRS"), Ret::kHeaders);
  EXPECT_FALSE(ParseRet("HEADERS"));
  EXPECT_EQ(ParseEnvid("QQ314159+20x"), "QQ314159 x");
  EXPECT_FALSE(ParseEnvid(""));
  EXPECT_FALSE(ParseEnvid("a+0D+0A"));
  for (size_t n : {99U, 100U, 101U}) EXPECT_EQ(ParseEnvid(std::string(n, 'x')).has_value(), n <= 100) << n;
}

TEST(DsnTest, Orcpt) {
  const auto orcpt = ParseOrcpt("rfc822;Bob+2Bx@Example.COM", false);
  ASSERT_TRUE(orcpt);
  EXPECT_EQ(orcpt->type, "rfc822");
  EXPECT_EQ(orcpt->address, "Bob+x@Example.COM");
  EXPECT_EQ(FormatOrcpt(*orcpt, false), "rfc822;Bob+2Bx@Example.COM");
  for (const char* bad : {"", "rfc822", "rfc822;", ";x", "rfc822;a+0Ab", "rfc822;a b", "rfc822;+C3+BC", "r c;x"}) {
    EXPECT_FALSE(ParseOrcpt(bad, true)) << bad;
  }
  for (size_t n : {499U, 500U, 501U}) {
    EXPECT_EQ(ParseOrcpt("rfc822;" + std::string(n - 7, 'x'), false).has_value(), n <= 500) << n;
  }
}

// RFC 6533, 3
TEST(DsnTest, Utf8Orcpt) {
  const auto embedded = ParseOrcpt("utf-8;gr\\x{FC}\\x{DF}e\\x{2B}\\x{1F600}@x", false);
  ASSERT_TRUE(embedded);
  EXPECT_EQ(embedded->address, "grüße+😀@x");
  EXPECT_EQ(FormatOrcpt(*embedded, false), "utf-8;gr\\x{FC}\\x{DF}e\\x{2B}\\x{1F600}@x");
  EXPECT_EQ(FormatOrcpt(*embedded, true), "utf-8;grüße\\x{2B}😀@x");
  EXPECT_EQ(ParseOrcpt("UTF-8;grüße@x", true)->address, "grüße@x");
  EXPECT_FALSE(ParseOrcpt("utf-8;grüße@x", false));
  for (const char* bad : {"utf-8;\\x{D800}", "utf-8;\\x{110000}", "utf-8;\\x{0A}", "utf-8;\\x{}", "utf-8;\\x{41",
                          "utf-8;\\y", "utf-8;a+b", "utf-8;a=b", "utf-8;\\x{-41}", "utf-8;\\x{0000041}"}) {
    EXPECT_FALSE(ParseOrcpt(bad, true)) << bad;
  }
}

TEST(EnhancedStatusTest, ReadsAndWrites) {
  EXPECT_EQ(ToString(EnhancedStatus{5, 7, 30}), "5.7.30");
  EXPECT_EQ(ToString(EnhancedStatus{}), "");
  EXPECT_EQ(ParseEnhancedStatus("4.999.0"), (EnhancedStatus{4, 999, 0}));
  for (const char* bad :
       {"", "5", "5.1", "5.1.", "3.1.1", "5.1.1.1", "5.1000.1", "5.-1.1", "5.1.1 ", "55.1.1", "5. 1.1"}) {
    EXPECT_FALSE(ParseEnhancedStatus(bad)) << bad;
  }
}

TEST(EnhancedStatusTest, TakenOnlyWhereItFitsTheCode) {
  std::string_view text = "5.1.1 no such user";
  EXPECT_EQ(TakeEnhancedStatus(text, 550), (EnhancedStatus{5, 1, 1}));
  EXPECT_EQ(text, "no such user");
  text = "5.1.1 no such user";
  EXPECT_FALSE(TakeEnhancedStatus(text, 450));
  EXPECT_EQ(text, "5.1.1 no such user");
  text = "5.1.1no";
  EXPECT_FALSE(TakeEnhancedStatus(text, 550));
  text = "5.1.1";
  EXPECT_TRUE(TakeEnhancedStatus(text, 550));
  EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace mailmesh::smtp
