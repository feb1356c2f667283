#include "common/mime/parameter.h"

#include <gtest/gtest.h>

#include <string>

namespace mailmesh::mime {
namespace {

std::string Show(std::string_view in) {
  Lexer lexer(in);
  std::string out;
  for (const Parameter& parameter : ParseParameters(&lexer)) out += "[" + parameter.name + "=" + parameter.value + "]";
  return out;
}

TEST(ParameterTest, Table) {
  const std::pair<std::string, std::string> table[] = {
      {"", ""},
      {"; a=b", "[a=b]"},
      {";A = \"b c\" (comment) ; d=e", "[A=b c][d=e]"},
      {"; boundary=----=_Part/1?2", "[boundary=----=_Part/1?2]"},
      {"; charset=us-ascii (Plain text)", "[charset=us-ascii]"},
      {"; a=\"x\\\"y\\\\z\"", "[a=x\"y\\z]"},
      {"; a=\"folded\r\n text\"", "[a=folded text]"},
      {"; junk; a=b", "[a=b]"},
      {"; a=b c=d; e=f", "[a=b][e=f]"},
      {"; =x; a=", "[a=]"},
      {"; a=\"unclosed", "[a=unclosed]"},
      // RFC 2231, 3 and 4.1.
      {"; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu\"", "[URL=ftp://cs.utk.edu]"},
      {"; title*=us-ascii'en-us'This%20is", "[title*=us-ascii'en-us'This%20is]"},
      {"; title*1*=%2A%2A; title*0*=us-ascii'en'x%20; title*2=\"it's\"; a=b", "[a=b][title*=us-ascii'en'x%20%2A%2Ait%27s]"},
      {"; t*0=a; t*1*=%20b", "[t*=''a%20b]"},
      {"; t*0=a; t*2=b", "[t*0=a][t*2=b]"},
      {"; t*1=a", "[t*1=a]"},
      {"; t*x=a; *=b; t*99999999999=c", "[t*x=a][*=b][t*99999999999=c]"},
  };
  for (const auto& [in, out] : table) EXPECT_EQ(Show(in), out) << in;
}

TEST(ParameterTest, CountLimit) {
  for (const size_t count : {kMaxParameters - 1, kMaxParameters, kMaxParameters + 1}) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += ";a=b";
    Lexer lexer(text);
    EXPECT_EQ(ParseParameters(&lexer).size(), std::min(count, kMaxParameters));
  }
}

}  // namespace
}  // namespace mailmesh::mime
