#include "common/mime/structure.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/common/mime/structure_for_test.h"

namespace mailmesh::mime {
namespace {

// With LF in the sources; parsed as LF and as CRLF, whole and at every split.
std::string Crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

std::string Types(const Structure& structure) {
  std::string out;
  for (const Part& part : structure.parts) {
    out += (out.empty() ? "" : " ") + std::to_string(part.depth) + ':' + part.type + '/' + part.subtype;
  }
  return out;
}

struct Case {
  const char* name;
  std::string message;
  std::string types;
  std::vector<std::string> leaf_bodies;  // of parts that have no children
};

const Case kCases[] = {
    {"empty", "", "0:text/plain", {""}},
    {"header only", "Subject: x\n", "0:text/plain", {""}},
    {"header, blank line", "Subject: x\n\n", "0:text/plain", {""}},
    {"no header", "\nbody\n", "0:text/plain", {"body\n"}},
    {"no MIME-Version", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n", "0:multipart/mixed 1:text/plain",
     {"one"}},
    {"two parts, preamble, epilogue",
     "Content-Type: multipart/mixed; boundary=\"b\"\n\npreamble\n--b\nContent-Type: text/html\n\n<p>\n\n--b \t\n\ntwo\n--b--\nepilogue\n--b\nno "
     "part\n",
     "0:multipart/mixed 1:text/html 1:text/plain",
     {"<p>\n", "two"}},
    {"delimiter first in the body", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--", "0:multipart/mixed 1:text/plain",
     {"one"}},
    {"no close delimiter", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n", "0:multipart/mixed 1:text/plain 1:text/plain",
     {"one", "two\n"}},
    {"no delimiter", "Content-Type: multipart/mixed; boundary=b\n\ntext\n", "0:multipart/mixed", {"text\n"}},
    {"no boundary", "Content-Type: multipart/mixed\n\n--\n\ntext\n", "0:multipart/mixed", {"--\n\ntext\n"}},
    {"empty part bodies", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--b\nX: y\n\n--b--\n", "0:multipart/mixed 1:text/plain 1:text/plain",
     {"", ""}},
    {"no blank line in parts", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/gif\n--b\n--b--\n",
     "0:multipart/mixed 1:image/gif 1:text/plain",
     {"", ""}},
    {"delimiter cut by the end", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b", "0:multipart/mixed 1:text/plain", {"one"}},
    {"nested", "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\nA\n--i\n\nB\n--i--\n\n--o\n\nC\n--o--\n",
     "0:multipart/mixed 1:multipart/alternative 2:text/plain 2:text/plain 1:text/plain",
     {"A", "B", "C"}},
    {"the outer delimiter closes the inner multipart",
     "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\nA\n--o\n\nC\n--i\nD\n--o--\n",
     "0:multipart/mixed 1:multipart/alternative 2:text/plain 1:text/plain",
     {"A", "C\n--i\nD"}},
    {"the outer boundary begins like the inner one",
     "Content-Type: multipart/mixed; boundary=foo\n\n--foo\nContent-Type: multipart/mixed; boundary=foobar\n\n--foobar\n\nA\n--foobar--\n--foo\n\nB\n--foo--\n",
     "0:multipart/mixed 1:multipart/mixed 2:text/plain 1:text/plain",
     {"A", "B"}},
    {"the inner boundary begins like the outer one",
     "Content-Type: multipart/mixed; boundary=foobar\n\n--foobar\nContent-Type: multipart/mixed; boundary=foo\n\n--foo\n\nA\n--foo--\n--foobar\n\nB\n--foobar--\n",
     "0:multipart/mixed 1:multipart/mixed 2:text/plain 1:text/plain",
     {"A", "B"}},
    {"equal boundaries: the innermost counts",
     "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nA\n--b--\n\n--b\n\nB\n--b--\n",
     "0:multipart/mixed 1:multipart/mixed 2:text/plain 1:text/plain",
     {"A", "B"}},
    {"digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\nA\n--b\nContent-Type: text/plain\n\nB\n--b--\n",
     "0:multipart/digest 1:message/rfc822 2:text/plain 1:text/plain",
     {"A", "B"}},
    {"message/rfc822", "Content-Type: message/rfc822\n\nSubject: in\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nA\n--b--\n",
     "0:message/rfc822 1:multipart/mixed 2:text/plain",
     {"A"}},
    {"message/rfc822 without anything", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n--b--\n",
     "0:multipart/mixed 1:message/rfc822 2:text/plain",
     {""}},
    {"message/global", "Content-Type: message/global\n\nSubject: \xc3\xbc\n\nA\n", "0:message/global 1:text/plain", {"A\n"}},
    {"encoded message/global", "Content-Type: message/global\nContent-Transfer-Encoding: base64\n\nAAAA\n", "0:message/global", {"AAAA\n"}},
    {"type without subtype", "Content-Type: text\n\nx", "0:text/plain", {"x"}},
    {"unknown type without subtype", "Content-Type: foo\n\nx", "0:foo/unknown", {"x"}},
    {"no type at all", "Content-Type: ;;\n\nx", "0:text/plain", {"x"}},
    {"the first Content-Type counts", "Content-Type: text/html\nContent-Type: text/css\n\nx", "0:text/html", {"x"}},
    {"a delimiter longer than the boundary", "Content-Type: multipart/mixed; boundary=b\n\n--bxyz\n\nA\n--b--x\n", "0:multipart/mixed 1:text/plain",
     {"A"}},
    {"lines with dashes", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n-\n--\n---b\n -b\n--b--\n", "0:multipart/mixed 1:text/plain",
     {"-\n--\n---b\n -b"}},
};

class StructureCaseTest : public testing::TestWithParam<Case> {};

void Check(const Case& c, const std::string& message, bool crlf) {
  const Structure whole = ParseStructure(message);
  EXPECT_EQ(Types(whole), c.types);
  std::vector<std::string> bodies;
  for (const Part& part : whole.parts) {
    if (part.first_child == kNoPart) bodies.emplace_back(BodyOf(message, part));
  }
  std::vector<std::string> expected;
  for (const std::string& body : c.leaf_bodies) expected.push_back(crlf ? Crlf(body) : body);
  EXPECT_EQ(bodies, expected);
  ExpectTiles(message, whole);
  const std::string description = Describe(whole);
  EXPECT_EQ(Describe(ParseInPieces(message, 1)), description);
  for (size_t split = 1; split < message.size(); ++split) {
    StructureParser parser;
    parser.Feed(std::string_view(message).substr(0, split));
    parser.Feed(std::string_view(message).substr(split));
    ASSERT_EQ(Describe(std::move(parser).Finish()), description) << "split at " << split;
  }
}

TEST_P(StructureCaseTest, LineFeed) { Check(GetParam(), GetParam().message, false); }
TEST_P(StructureCaseTest, CarriageReturnLineFeed) { Check(GetParam(), Crlf(GetParam().message), true); }

INSTANTIATE_TEST_SUITE_P(Cases, StructureCaseTest, testing::ValuesIn(kCases));

TEST(StructureTest, PartHeader) {
  const Structure structure = ParseStructure(
      "Content-Type: Text/HTML (comment); charset=\"utf-8\"; name*0*=utf-8''a%20; name*1=b.txt\r\n"
      "Content-Transfer-Encoding: (c) Quoted-Printable (d)\r\n"
      "Content-ID: <id@x>\r\nContent-Description: two\r\n\twords\r\nContent-MD5: Q2hlY2s=\r\n"
      "Content-Disposition: attachment; filename=a=b.txt;\r\n size=10\r\n"
      "Content-Language: de, en-GB (British)\r\nContent-Location: http://x/y\r\n\r\nbody");
  const Part& part = structure.root();
  EXPECT_EQ(part.type, "Text");
  EXPECT_EQ(part.subtype, "HTML");
  EXPECT_FALSE(part.type_is_default);
  EXPECT_EQ(part.parameters, (std::vector<Parameter>{{"charset", "utf-8"}, {"name*", "utf-8''a%20b.txt"}}));
  EXPECT_EQ(part.transfer_encoding, "Quoted-Printable");
  EXPECT_EQ(part.encoding, TransferEncoding::kQuotedPrintable);
  EXPECT_EQ(part.content_id, "<id@x>");
  EXPECT_EQ(part.description, "two words");
  EXPECT_EQ(part.md5, "Q2hlY2s=");
  EXPECT_EQ(part.disposition, "attachment");
  EXPECT_EQ(part.disposition_parameters, (std::vector<Parameter>{{"filename", "a=b.txt"}, {"size", "10"}}));
  EXPECT_EQ(part.languages, (std::vector<std::string>{"de", "en-GB"}));
  EXPECT_EQ(part.location, "http://x/y");
  EXPECT_EQ(part.kind, PartKind::kText);
}

TEST(StructureTest, FindByImapPartNumbers) {
  // RFC 3501, 6.4.5 in small: 1 text, 2 message {2.1 text, 2.2 image}, 3 multipart {3.1 text}, 4 message {4.1 text}.
  const std::string message =
      "Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--a\nContent-Type: message/rfc822\n\n"
      "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: image/gif\n\ny\n--b--\n--a\n"
      "Content-Type: multipart/mixed; boundary=c\n\n--c\n\nz\n--c--\n--a\nContent-Type: message/rfc822\n\nSubject: m\n\nbody\n--a--\n";
  const Structure structure = ParseStructure(message);
  const auto type = [&](const std::vector<uint32_t>& path) -> std::string {
    const PartIndex index = structure.Find(path);
    return index == kNoPart ? "-" : structure.parts[index].type + ":" + std::string(BodyOf(message, structure.parts[index]));
  };
  EXPECT_EQ(structure.Find({}), 0u);
  EXPECT_EQ(type({1}), "text:one");
  EXPECT_EQ(type({2}).substr(0, 8), "message:");
  EXPECT_EQ(type({2, 1}), "text:x");
  EXPECT_EQ(type({2, 2}), "image:y");
  EXPECT_EQ(type({3, 1}), "text:z");
  EXPECT_EQ(type({4, 1}), "text:body");
  for (const std::vector<uint32_t>& none : std::vector<std::vector<uint32_t>>{{0}, {5}, {1, 1}, {2, 3}, {3, 2}, {4, 2}, {4, 1, 1}, {2, 1, 1}}) {
    EXPECT_EQ(type(none), "-");
  }
  const Structure plain = ParseStructure("Subject: x\n\nbody\n");
  EXPECT_EQ(plain.Find({1}), 0u);
  EXPECT_EQ(plain.Find({2}), kNoPart);
  EXPECT_EQ(plain.Find({1, 1}), kNoPart);
  const Structure forwarded = ParseStructure("Content-Type: message/rfc822\n\nSubject: in\n\nbody\n");
  EXPECT_EQ(forwarded.Find({1}), 0u);
  EXPECT_EQ(forwarded.Find({1, 1}), 1u);
}

}  // namespace
}  // namespace mailmesh::mime
