#include "common/base/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::base {
namespace {

using Outcome = LineReader::Outcome;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Each line as its text, each fault as its name.
void Read(LineReader& reader, std::string_view input, std::vector<std::string>& out) {
  while (!input.empty()) {
    const LineReader::Framed framed = reader.Next(input);
    switch (framed.outcome) {
      case Outcome::kNeedMore:
        EXPECT_EQ(framed.consumed, input.size());
        break;
      case Outcome::kLine:
        out.emplace_back(framed.line);
        break;
      case Outcome::kTooLong:
        out.emplace_back("!long");
        break;
      case Outcome::kBareLf:
        out.emplace_back("!lf");
        break;
      case Outcome::kBareCr:
        out.emplace_back("!cr");
        break;
    }
    input.remove_prefix(framed.consumed);
  }
}

// The whole, and at every split in two, and octet by octet: always the same.
std::vector<std::string> ReadAnyhow(std::string_view input, size_t max = 512,
                                    LineEndings endings = LineEndings::kCrlfOnly) {
  std::vector<std::string> whole;
  LineReader whole_reader(max, endings);
  Read(whole_reader, input, whole);
  for (size_t split = 0; split <= input.size(); ++split) {
    std::vector<std::string> halves;
    LineReader reader(max, endings);
    Read(reader, input.substr(0, split), halves);
    Read(reader, input.substr(split), halves);
    EXPECT_EQ(halves, whole) << "split at " << split;
  }
  std::vector<std::string> octets;
  LineReader reader(max, endings);
  for (size_t i = 0; i < input.size(); ++i) Read(reader, input.substr(i, 1), octets);
  EXPECT_EQ(octets, whole) << "octet by octet";
  return whole;
}

TEST(LineReaderTest, FramesLinesAtCrlf) {
  EXPECT_THAT(ReadAnyhow("NOOP\r\n\r\nQUIT\r\nrest"), ElementsAre("NOOP", "", "QUIT"));
}

TEST(LineReaderTest, KeepsNulAndHighOctets) {
  const std::string input("a\0b\xff\r\n", 6);
  EXPECT_THAT(ReadAnyhow(input), ElementsAre(std::string("a\0b\xff", 4)));
}

TEST(LineReaderTest, ReportsABareEndingOnceAndStaysInStepWithCrlf) {
  EXPECT_THAT(ReadAnyhow("a\nb\r\nc\r\n"), ElementsAre("!lf", "c"));
  EXPECT_THAT(ReadAnyhow("a\rb\r\nc\r\n"), ElementsAre("!cr", "c"));
  EXPECT_THAT(ReadAnyhow("\n\nMAIL\nx\r\nc\r\n"), ElementsAre("!lf", "c"));
  EXPECT_THAT(ReadAnyhow("a\r\r\nc\r\n"), ElementsAre("!cr", "c"));
  EXPECT_THAT(ReadAnyhow("\r\rx\n\r\nc\r\n"), ElementsAre("!cr", "c"));
  EXPECT_THAT(ReadAnyhow("a\n\r\nc\r\n"), ElementsAre("!lf", "c"));
}

TEST(LineReaderTest, TakesBareLfWhereTold) {
  EXPECT_THAT(ReadAnyhow("a\nb\r\nc\rd\n", 512, LineEndings::kCrlfOrLf), ElementsAre("a", "b", "c\rd"));
}

TEST(LineReaderTest, LimitCountsTheCrlf) {
  const auto line = [](size_t total) { return std::string(total - 2, 'x') + "\r\n"; };
  EXPECT_THAT(ReadAnyhow(line(15) + "c\r\n", 16), ElementsAre(std::string(13, 'x'), "c"));
  EXPECT_THAT(ReadAnyhow(line(16) + "c\r\n", 16), ElementsAre(std::string(14, 'x'), "c"));
  EXPECT_THAT(ReadAnyhow(line(17) + "c\r\n", 16), ElementsAre("!long", "c"));
  EXPECT_THAT(ReadAnyhow(line(99) + "c\r\n", 16), ElementsAre("!long", "c"));
}

TEST(LineReaderTest, CountsWhatItDropsAndHoldsNothing) {
  LineReader reader(16);
  const std::string flood(100000, 'x');
  EXPECT_EQ(reader.Next(flood).outcome, Outcome::kTooLong);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(reader.Next(flood).outcome, Outcome::kNeedMore);
  EXPECT_GE(reader.dropped(), 1000000U);
  EXPECT_FALSE(reader.at_line_start());
  EXPECT_EQ(reader.Next("\r\n").outcome, Outcome::kNeedMore);
  EXPECT_TRUE(reader.at_line_start());
}

TEST(LineReaderTest, LimitCanGrowAndShrink) {
  LineReader reader(16);
  reader.set_max_line(1000);
  std::vector<std::string> lines;
  Read(reader, std::string(500, 'x') + "\r\n", lines);
  reader.set_max_line(16);
  Read(reader, std::string(500, 'x') + "\r\n", lines);
  EXPECT_THAT(lines, ElementsAre(std::string(500, 'x'), "!long"));
}

TEST(LineReaderTest, ResetForgetsAPartialLine) {
  LineReader reader(512);
  std::vector<std::string> lines;
  Read(reader, "EHLO evil", lines);
  reader.Reset();
  EXPECT_THAT(lines, IsEmpty());
  Read(reader, "NOOP\r\n", lines);
  EXPECT_THAT(lines, ElementsAre("NOOP"));
}

TEST(LineReaderTest, TellsHowALineEnded) {
  LineReader reader(512, LineEndings::kCrlfOrLf);
  reader.Next("a\n");
  EXPECT_TRUE(reader.ended_at_bare_lf());
  reader.Next("a\r\n");
  EXPECT_FALSE(reader.ended_at_bare_lf());
}

}  // namespace
}  // namespace mailmesh::base
