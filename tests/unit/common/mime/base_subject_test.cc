#include "common/mime/base_subject.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace mailmesh::mime {
namespace {

struct Case {
  const char* subject;
  const char* base;
  bool is_reply;
};

// RFC 5256, 2.1 and 5.
TEST(BaseSubjectTest, Table) {
  const Case cases[] = {
      {"", "", false},
      {"hello", "hello", false},
      {"  hello \t there  ", "hello there", false},
      {"Re: hello", "hello", true},
      {"RE:hello", "hello", true},
      {"re : hello", "hello", true},
      {"Re[2]: hello", "hello", true},
      {"Re [list] : hello", "hello", true},
      {"Fw: hello", "hello", true},
      {"fwd: hello", "hello", true},
      {"Re: Fwd: RE: hello", "hello", true},
      {"Res: hello", "Res: hello", false},
      {"Re hello", "Re hello", false},
      {"[list] hello", "hello", false},
      {"[a] [b][c] hello", "hello", false},
      {"[list] Re: [other] hello", "hello", true},
      {"Re: [list] Re: hello", "hello", true},
      {"[only]", "[only]", false},
      {"[a][b]", "[b]", false},
      {"Re: [only]", "[only]", true},
      {"[not closed hello", "[not closed hello", false},
      {"[a[b] hello", "[a[b] hello", false},
      {"hello (fwd)", "hello", true},
      {"hello (FWD) (fwd) ", "hello", true},
      {"(fwd)", "", true},
      {"Re:", "", true},
      {"Re: (fwd)", "", true},
      {"[Fwd: hello]", "hello", true},
      {"[fwd: Re: [list] hello (fwd)]", "hello", true},
      {"[Fwd: [Fwd: hello]]", "hello", true},
      {"[Fwd: hello", "[Fwd: hello", false},
      {"Re: [Fwd: hello]", "hello", true},
      {"[Fwd:]", "", true},
      {"Antwort: Gr\xc3\xbc\xc3\x9f" "e", "Antwort: Gr\xc3\xbc\xc3\x9f" "e", false},
      {"a\r\n\t b", "a b", false},
  };
  for (const Case& test : cases) {
    const BaseSubject base = ExtractBaseSubject(test.subject);
    EXPECT_EQ(base.text, test.base) << test.subject;
    EXPECT_EQ(base.is_reply, test.is_reply) << test.subject;
  }
}

// What is a base subject is one for good.
TEST(BaseSubjectTest, TwiceIsOnce) {
  for (const char* subject : {"[a][b]", "Re: [x] y (fwd)", "[Fwd: [Fwd: z]]", "[only]", "Re[3]: a: b"}) {
    const BaseSubject once = ExtractBaseSubject(subject);
    const BaseSubject twice = ExtractBaseSubject(once.text);
    EXPECT_EQ(twice.text, once.text) << subject;
    EXPECT_FALSE(twice.is_reply) << subject;
  }
}

TEST(BaseSubjectTest, TimeIsLinear) {
  const auto repeat = [](const std::string& text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
  };
  const int n = 200'000;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(ExtractBaseSubject(repeat("[a]", n) + "x").text, "x");
  EXPECT_EQ(ExtractBaseSubject(repeat("[a]Re:", n) + "x").text, "x");
  EXPECT_EQ(ExtractBaseSubject("x" + repeat("(fwd)", n)).text, "x");
  EXPECT_EQ(ExtractBaseSubject(repeat("[fwd:", n) + "x" + repeat("]", n)).text, "x");
  EXPECT_FALSE(ExtractBaseSubject(repeat("[", n)).text.empty());
  EXPECT_FALSE(ExtractBaseSubject(repeat("re[", n)).text.empty());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace mailmesh::mime
