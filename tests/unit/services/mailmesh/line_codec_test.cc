#include "services/mailmesh/archive/line_codec.h"

#include <gtest/gtest.h>

namespace mailmesh::archive {
namespace {

// Runs a codec over the text cut in two at every point; all must give the same.
template <class Run>
void ExpectAtEverySplit(std::string_view text, std::string_view expected, Run run) {
  for (size_t split = 0; split <= text.size(); ++split) {
    EXPECT_EQ(run(text.substr(0, split), text.substr(split)), expected) << "split at " << split;
  }
}

std::string ToLf(std::string_view a, std::string_view b) {
  CrlfToLf codec;
  std::string out;
  codec.Feed(a, &out);
  codec.Feed(b, &out);
  codec.Finish(&out);
  return out;
}

TEST(LineCodec, CrlfBecomesLfAndBack) {
  for (const std::string_view text : {"a\r\nb\r\n", "", "\r\n", "a", "a\rb\r\n", "a\r\r\nb\r\n", "end\r", "\r\r"}) {
    const std::string lf = ToLf(text, "");
    ExpectAtEverySplit(text, lf, ToLf);
    ExpectAtEverySplit(lf, text, [](std::string_view a, std::string_view b) {
      LfToCrlf codec(LineEnds::kLf);
      std::string out;
      codec.Feed(a, &out);
      codec.Feed(b, &out);
      return out;
    });
  }
  EXPECT_EQ(ToLf("a\r\nb\r\n", ""), "a\nb\n");
}

TEST(LineCodec, BareLfIsNoticed) {
  for (const std::string_view text : {"a\nb\r\n", "\n", "a\r\n\n"}) {
    CrlfToLf codec;
    std::string out;
    for (const char c : text) codec.Feed(std::string_view(&c, 1), &out);
    EXPECT_TRUE(codec.irreversible()) << text;
  }
  CrlfToLf codec;
  std::string out;
  codec.Feed("a\r\n\rb\r\n", &out);
  EXPECT_FALSE(codec.irreversible());
}

TEST(LineCodec, FilesOfOthersGetCrlf) {
  ExpectAtEverySplit("a\nb\r\nc\n", "a\r\nb\r\nc\r\n", [](std::string_view a, std::string_view b) {
    LfToCrlf codec(LineEnds::kNormalise);
    std::string out;
    codec.Feed(a, &out);
    codec.Feed(b, &out);
    return out;
  });
}

std::string Quoter(FromQuoter::Mode mode, std::string_view a, std::string_view b) {
  FromQuoter quoter(mode);
  std::string out;
  quoter.Feed(a, &out);
  quoter.Feed(b, &out);
  quoter.Finish(&out);
  return out;
}

TEST(LineCodec, FromLinesAreQuotedAndBack) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"From me\n", ">From me\n"},
      {"x\nFrom me\n>From you\n>>From all\n", "x\n>From me\n>>From you\n>>>From all\n"},
      {"From\nFromage\n>\n> From x\n from\n", "From\nFromage\n>\n> From x\n from\n"},
      {"From ", ">From "},
      {"Fro", "Fro"},
      {">>Fro", ">>Fro"},
      {">", ">"},
      {"", ""},
      {"a From b\n\nFrom c", "a From b\n\n>From c"},
      {"FFrom x\nFFrom ", "FFrom x\nFFrom "},
  };
  for (const auto& [plain, quoted] : cases) {
    ExpectAtEverySplit(plain, quoted, [](auto a, auto b) { return Quoter(FromQuoter::Mode::kQuote, a, b); });
    ExpectAtEverySplit(quoted, plain, [](auto a, auto b) { return Quoter(FromQuoter::Mode::kUnquote, a, b); });
  }
}

}  // namespace
}  // namespace mailmesh::archive
