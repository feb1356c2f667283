#include "common/mime/search_text.h"

#include <gtest/gtest.h>

#include <string>

namespace mailmesh::mime {
namespace {

class Collector final : public SearchTextSink {
 public:
  void Text(std::string_view utf8) override { text += utf8; }
  void Break() override { text += '|'; }
  std::string text;
};

const std::string kMessage =
    "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n =?utf-8?q?_folded?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nPREAMBLE\r\n"
    "--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nStra=DFe=\r\nnbahn\r\n"
    "--b\r\nContent-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\nc2VjcmV0\r\n"
    "--b\r\nContent-Type: text/html; charset=nosuch\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+c2VjcmV0PC9iPg==\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninside\r\n--b--\r\n";

TEST(SearchTextTest, DecodedTextAtEverySplit) {
  const Structure structure = ParseStructure(kMessage);
  const std::string expected =
      "Subject: gr\xc3\xbc\xc3\x9f" "e folded|Content-Type: multipart/mixed; boundary=b|"
      "Content-Type: text/plain; charset=iso-8859-1|Content-Transfer-Encoding: quoted-printable|Stra\xc3\x9f" "enbahn|"
      "Content-Type: image/gif|Content-Transfer-Encoding: base64|"
      "Content-Type: text/html; charset=nosuch|Content-Transfer-Encoding: base64|<b>secret</b>|"
      "Content-Type: message/rfc822|Subject: inner|inside|";
  for (size_t split = 0; split <= kMessage.size(); ++split) {
    Collector collector;
    SearchText text(structure, {}, &collector);
    text.Feed(std::string_view(kMessage).substr(0, split));
    text.Feed(std::string_view(kMessage).substr(split));
    text.Finish();
    std::string got = collector.text;
    // The blank line that ends a header is an empty field.
    for (size_t at = 0; (at = got.find("||")) != std::string::npos;) got.erase(at, 1);
    ASSERT_EQ(got, expected) << "split at " << split;
  }
}

TEST(SearchTextTest, Scopes) {
  const Structure structure = ParseStructure(kMessage);
  const SearchScope text;
  const SearchScope body{false, true};
  const SearchScope header{true, false};
  EXPECT_TRUE(MessageContains(kMessage, structure, text, "GR\xc3\x9c\xc3\x9f" "E"));
  EXPECT_FALSE(MessageContains(kMessage, structure, body, "gr\xc3\xbc"));
  EXPECT_TRUE(MessageContains(kMessage, structure, header, "gr\xc3\xbc"));
  EXPECT_TRUE(MessageContains(kMessage, structure, body, "STRA\xc3\x9f" "ENBAHN"));
  EXPECT_FALSE(MessageContains(kMessage, structure, header, "bahn"));
  EXPECT_TRUE(MessageContains(kMessage, structure, body, "inner"));
  EXPECT_TRUE(MessageContains(kMessage, structure, body, "secret"));
  EXPECT_FALSE(MessageContains(kMessage, structure, text, "PREAMBLE"));
  EXPECT_FALSE(MessageContains(kMessage, structure, text, "innerinside"));
}

TEST(SearchTextTest, SeekingSkipsWhatDoesNotMatter) {
  const Structure structure = ParseStructure(kMessage);
  Collector fed;
  SearchText whole(structure, {}, &fed);
  whole.Feed(kMessage);
  whole.Finish();
  Collector sought;
  SearchText text(structure, {}, &sought);
  uint64_t read = 0;
  for (uint64_t at = text.next_offset(); at < structure.size; at = text.next_offset()) {
    text.SeekTo(at);
    text.Feed(std::string_view(kMessage).substr(at, 10));
    read += 10;
  }
  text.Finish();
  EXPECT_EQ(sought.text, fed.text);
  EXPECT_LT(read, kMessage.size() + 10);
}

TEST(SearchTextTest, LongFieldsAreBounded) {
  const std::string message = "Subject: " + std::string(3 * SearchText::kMaxField, 'x') + "needle\r\n\r\nbody";
  const Structure structure = ParseStructure(message);
  EXPECT_TRUE(MessageContains(message, structure, {}, "needle"));
  EXPECT_TRUE(MessageContains(message, structure, {}, "body"));
}

TEST(SearchTextTest, HeaderContains) {
  const std::string header = "Subject: =?utf-8?q?=C3=9Cber?=\r\nEmpty:\r\n\r\n";
  EXPECT_TRUE(HeaderContains(header, "SUBJECT", "\xc3\xbc" "BER"));
  EXPECT_FALSE(HeaderContains(header, "Subject", "subject"));
  EXPECT_TRUE(HeaderContains(header, "empty", ""));
  EXPECT_FALSE(HeaderContains(header, "none", ""));
  EXPECT_FALSE(HeaderContains(header, "empty", "x"));
}

}  // namespace
}  // namespace mailmesh::mime
