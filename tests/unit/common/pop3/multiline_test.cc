#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "common/pop3/multiline_reader.h"
#include "common/pop3/multiline_writer.h"

namespace mailmesh::pop3 {
namespace {

struct Read {
  std::string content;
  size_t consumed = 0;
  bool done = false;
  bool operator==(const Read&) const = default;
};

Read Decode(std::string_view wire, size_t split, base::LineEndings endings) {
  MultilineReader reader(endings);
  Read out;
  out.consumed += reader.Decode(wire.substr(0, split), out.content);
  out.consumed += reader.Decode(wire.substr(split), out.content);
  out.done = reader.done();
  EXPECT_EQ(reader.size(), out.content.size());
  return out;
}

Read DecodeOctets(std::string_view wire, base::LineEndings endings) {
  MultilineReader reader(endings);
  Read out;
  for (size_t i = 0; i < wire.size() && !reader.done(); ++i)
    out.consumed += reader.Decode(wire.substr(i, 1), out.content);
  out.done = reader.done();
  return out;
}

// Whatever a server writes, a client reads again: every short string over the octets that matter, at every split.
TEST(MultilineTest, WhatIsWrittenIsReadAgain) {
  constexpr std::string_view kOctets = "a.\r\n";
  for (size_t length = 0; length <= 6; ++length) {
    for (size_t code = 0; code < 1U << (2 * length); ++code) {
      std::string content;
      for (size_t i = 0; i < length; ++i) content.push_back(kOctets[code >> (2 * i) & 3]);
      MultilineWriter writer;
      std::string wire;
      writer.Write(content, wire);
      writer.Finish(wire);
      const bool complete = content.empty() || content.ends_with("\r\n");
      const Read expected{complete ? content : content + "\r\n", wire.size(), true};
      const std::string input = wire + "+OK\r\n";
      ASSERT_EQ(DecodeOctets(input, base::LineEndings::kCrlfOnly), expected) << testing::PrintToString(content);
      for (size_t split = 0; split <= input.size(); ++split) {
        ASSERT_EQ(Decode(input, split, base::LineEndings::kCrlfOnly), expected)
            << testing::PrintToString(content) << split;
      }
    }
  }
}

TEST(MultilineTest, BareLfWhereTheServerKnowsNoBetter) {
  constexpr std::string_view kWire = "a\n..b\n.c\r\n.\nREST";
  const Read expected{"a\n.b\nc\r\n", kWire.size() - 4, true};
  for (size_t split = 0; split <= kWire.size(); ++split) {
    EXPECT_EQ(Decode(kWire, split, base::LineEndings::kCrlfOrLf), expected) << split;
  }
  EXPECT_EQ(DecodeOctets(kWire, base::LineEndings::kCrlfOrLf), expected);
}

TEST(MultilineTest, AMessageCannotEndEarly) {
  constexpr std::string_view kWire = "a\n.\n+OK evil\n.\r\nb\r\n.\r\n";
  const Read read = Decode(kWire, 4, base::LineEndings::kCrlfOnly);
  EXPECT_TRUE(read.done);
  EXPECT_EQ(read.consumed, kWire.size());
  EXPECT_EQ(read.content, "a\n.\n+OK evil\n.\r\nb\r\n");
}

struct TopCase {
  std::string_view message;
  uint32_t lines;
  std::string_view top;
};

TEST(TopFilterTest, TakesHeaderAndLines) {
  constexpr TopCase kCases[] = {
      {"A: b\r\n\r\n1\r\n2\r\n3", 0, "A: b\r\n\r\n"},
      {"A: b\r\n\r\n1\r\n2\r\n3", 1, "A: b\r\n\r\n1\r\n"},
      {"A: b\r\n\r\n1\r\n2\r\n3", 2, "A: b\r\n\r\n1\r\n2\r\n"},
      {"A: b\r\n\r\n1\r\n2\r\n3", 9, "A: b\r\n\r\n1\r\n2\r\n3"},
      {"A: b\r\n\r\n\r\n\r\n3", 1, "A: b\r\n\r\n\r\n"},
      {"A: b\n\n1\n2\n", 1, "A: b\n\n1\n"},
      {"\r\nbody\r\n", 0, "\r\n"},
      {"A: b\r\nno body", 5, "A: b\r\nno body"},
      {"", 5, ""},
  };
  for (const TopCase& c : kCases) {
    for (size_t split = 0; split <= c.message.size(); ++split) {
      TopFilter filter(c.lines);
      std::string top(filter.Take(c.message.substr(0, split)));
      top += filter.Take(c.message.substr(split));
      EXPECT_EQ(top, c.top) << c.message << " lines " << c.lines << " split " << split;
    }
    TopFilter filter(c.lines);
    std::string top;
    for (size_t i = 0; i < c.message.size(); ++i) top += filter.Take(c.message.substr(i, 1));
    EXPECT_EQ(top, c.top) << c.message;
  }
}

}  // namespace
}  // namespace mailmesh::pop3
