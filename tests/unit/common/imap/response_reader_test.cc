#include "common/imap/response_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmesh::imap {
namespace {

using ::testing::ElementsAre;
using Kind = ResponseReader::Kind;
using Log = std::vector<std::string>;

ResponseReader::Limits Small() { return {.max_line = 50, .max_response = 100, .max_kept_literal = 10, .max_literal = 1000}; }

Log Play(std::string_view octets, const std::vector<size_t>& cuts) {
  ResponseReader reader(Small());
  Log log;
  std::string data;
  const auto feed = [&](const std::string& own) {
    if (!log.empty() && log.back() == "fatal") return;
    std::string_view input = own;
    for (;;) {
      const ResponseReader::Event event = reader.Next(&input);
      const std::string text(event.text);
      if (event.kind == Kind::kNeedInput) return;
      if (event.kind == Kind::kLiteral) log.push_back("literal " + text + "|" + std::to_string(event.size));
      if (event.kind == Kind::kLiteralData) data += text;
      if (event.kind == Kind::kLiteralEnd) log.push_back("data " + data), data.clear();
      if (event.kind == Kind::kResponse) {
        log.push_back("response " + text);
        for (const size_t at : event.streamed) log.push_back("streamed " + std::to_string(at));
      }
      if (event.kind == Kind::kFatal) {
        log.push_back("fatal");
        return;
      }
    }
  };
  size_t start = 0;
  for (const size_t cut : cuts) feed(std::string(octets.substr(start, cut - start))), start = cut;
  feed(std::string(octets.substr(start)));
  return log;
}

class ResponseSplitTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ResponseSplitTest, EverySplitIsTheWhole) {
  const std::string& octets = GetParam();
  const Log whole = Play(octets, {});
  std::vector<size_t> all;
  for (size_t cut = 0; cut <= octets.size(); ++cut) {
    EXPECT_EQ(Play(octets, {cut}), whole) << cut;
    all.push_back(cut);
  }
  EXPECT_EQ(Play(octets, all), whole);
}

INSTANTIATE_TEST_SUITE_P(All, ResponseSplitTest,
                         ::testing::Values("* OK hi {5}\r\n* 1 FETCH (BODY[] {3}\r\nabc)\r\nA1 OK done\n",
                                           "* 1 FETCH (A {12}\r\n0123456789ab B {2}\r\nxy C {11}\r\n01234567890)\r\n+ go {3}\r\n",
                                           "* " + std::string(48, 'x') + "\r\n* " + std::string(49, 'x') + "\r\n", "* X {99999999999999999999}\r\n",
                                           "* X {1001}\r\n"));

TEST(ResponseReaderTest, StreamsLargeLiterals) {
  EXPECT_THAT(Play("* 1 FETCH (A {12}\r\n0123456789ab B {2}\r\nxy)\r\n", {}),
              ElementsAre("literal * 1 FETCH (A |12", "data 0123456789ab", "response * 1 FETCH (A {12}\r\n B {2}\r\nxy)", "streamed 19"));
}

TEST(ResponseReaderTest, TextsAnnounceNothing) {
  EXPECT_THAT(Play("* OK hi {5}\r\nA1 no x {5}\r\n+ {5}\r\n", {}), ElementsAre("response * OK hi {5}", "response A1 no x {5}", "response + {5}"));
}

TEST(ResponseReaderTest, Limits) {
  const auto line = [](size_t size) { return "* " + std::string(size - 2, 'x') + "\r\n"; };
  EXPECT_EQ(Play(line(49), {}).front().substr(0, 8), "response");
  EXPECT_EQ(Play(line(50), {}).front().substr(0, 8), "response");
  EXPECT_EQ(Play(line(51), {}).front(), "fatal");
  std::string many = "* X";
  for (int i = 0; i < 9; ++i) many += " {10}\r\n0123456789";
  EXPECT_EQ(Play(many + "\r\n", {}).front(), "fatal");
  EXPECT_EQ(Play("* X {1000}\r\n", {}).front(), "literal * X |1000");
  EXPECT_EQ(Play("* X {1001}\r\n", {}).front(), "fatal");
}

}  // namespace
}  // namespace mailmesh::imap
