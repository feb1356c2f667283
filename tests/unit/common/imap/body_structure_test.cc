#include "common/imap/body_structure.h"

#include <gtest/gtest.h>

#include "common/imap/envelope.h"

namespace mailmesh::imap {
namespace {

std::string Structure(std::string_view message, const BodyStructureOptions& options = {}) {
  std::string out;
  AppendBodyStructure(out, mime::ParseStructure(message), options);
  return out;
}

std::string Envelope(std::string_view header) {
  std::string out;
  AppendEnvelope(out, mime::ParseEnvelope(header));
  return out;
}

const BodyStructureOptions kBody{.extensible = false, .rev2 = false};

TEST(BodyStructureTest, Text) {
  constexpr std::string_view kPlain = "Subject: x\r\n\r\nhello\r\nworld\r\n";
  EXPECT_EQ(Structure(kPlain, kBody), R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 14 2))");
  EXPECT_EQ(Structure(kPlain), R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 14 2 NIL NIL NIL NIL))");
  EXPECT_EQ(Structure("Content-Type: TEXT/Html; format=flowed\r\nContent-ID: <a@b>\r\nContent-Description: d\r\n"
                      "Content-Transfer-Encoding: Quoted-Printable\r\nContent-MD5: abc\r\nContent-Language: en, de\r\nContent-Location: u\r\n"
                      "Content-Disposition: attachment; filename=\"a b\"\r\n\r\nx"),
            R"(("TEXT" "Html" ("format" "flowed" "charset" "us-ascii") "<a@b>" "d" "Quoted-Printable" 1 0 "abc" )"
            R"(("attachment" ("filename" "a b")) ("en" "de") "u"))");
}

TEST(BodyStructureTest, Multipart) {
  constexpr std::string_view kMixed =
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na\r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
      "AAAA\r\n--b--\r\n";
  EXPECT_EQ(Structure(kMixed, kBody),
            R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0)("image" "png" NIL NIL NIL "base64" 4) "mixed"))");
  EXPECT_EQ(Structure(kMixed), R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0 NIL NIL NIL NIL))"
                               R"(("image" "png" NIL NIL NIL "base64" 4 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL))");
  EXPECT_EQ(Structure("Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing\r\n", kBody),
            R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed"))");
}

TEST(BodyStructureTest, Messages) {
  constexpr std::string_view kInner = "From: a@b\r\nSubject: in\r\n\r\nx\r\n";
  const std::string envelope = R"((NIL "in" ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL))";
  const std::string text = R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1))";
  const std::string rfc822 = "Content-Type: message/rfc822\r\n\r\n" + std::string(kInner);
  EXPECT_EQ(Structure(rfc822, kBody), R"(("message" "rfc822" NIL NIL NIL "7bit" 29 )" + envelope + " " + text + " 4)");
  const std::string global = "Content-Type: message/global\r\n\r\n" + std::string(kInner);
  EXPECT_EQ(Structure(global, kBody), R"(("message" "global" NIL NIL NIL "7bit" 29))");
  EXPECT_EQ(Structure(global, {.extensible = false, .rev2 = true}), R"(("message" "global" NIL NIL NIL "7bit" 29 )" + envelope + " " + text + " 4)");
}

TEST(BodyStructureTest, DeepAndDamaged) {
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "Content-Type: message/rfc822\r\n\r\n";
  const std::string wire = Structure(deep + "x");
  EXPECT_EQ(std::count(wire.begin(), wire.end(), '('), std::count(wire.begin(), wire.end(), ')'));
  EXPECT_NE(wire.find("\"application\" \"octet-stream\""), wire.npos);
  EXPECT_EQ(Structure("", kBody), R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0))");
}

TEST(EnvelopeTest, Writes) {
  EXPECT_EQ(Envelope("Date: Mon, 7 Feb 1994 21:52:25 -0800\r\nSubject: a \"b\"\r\nFrom: Fred Foobar <foobar@Blurdybloop.example>\r\n"
                     "To: g: x@y;, \"q r\"@z\r\nMessage-ID: <m@x>\r\n\r\n"),
            "(\"Mon, 7 Feb 1994 21:52:25 -0800\" \"a \\\"b\\\"\" ((\"Fred Foobar\" NIL \"foobar\" \"Blurdybloop.example\")) "
            "((\"Fred Foobar\" NIL \"foobar\" \"Blurdybloop.example\")) ((\"Fred Foobar\" NIL \"foobar\" \"Blurdybloop.example\")) "
            "((NIL NIL \"g\" NIL)(NIL NIL \"x\" \"y\")(NIL NIL NIL NIL)(NIL NIL \"q r\" \"z\")) NIL NIL NIL \"<m@x>\")");
  EXPECT_EQ(Envelope("Subject: \xc3\xbc\r\n\r\n"), "(NIL {2}\r\n\xc3\xbc NIL NIL NIL NIL NIL NIL NIL NIL)");
}

}  // namespace
}  // namespace mailmesh::imap
