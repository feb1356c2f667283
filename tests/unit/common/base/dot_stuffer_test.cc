#include "common/base/dot_stuffer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace mailmesh::base {
namespace {

std::string Stuff(std::string_view first, std::string_view second = {}) {
  DotStuffer stuffer;
  std::string out;
  stuffer.Write(first, out);
  stuffer.Write(second, out);
  stuffer.Finish(out);
  return out;
}

struct Case {
  std::string_view content;
  std::string_view wire;
};

constexpr Case kCases[] = {
    {"", ".\r\n"},
    {"a\r\n", "a\r\n.\r\n"},
    {"a", "a\r\n.\r\n"},
    {".", "..\r\n.\r\n"},
    {".\r\n", "..\r\n.\r\n"},
    {"..\r\n", "...\r\n.\r\n"},
    {"a\r\n.b\r\n.\r\nc.d\r\n", "a\r\n..b\r\n..\r\nc.d\r\n.\r\n"},
    {"\r\n.\r\n", "\r\n..\r\n.\r\n"},
    // Octets pass: only CRLF starts a line.
    {"a\n.b\r\n", "a\n.b\r\n.\r\n"},
    {"a\r.b\r\n", "a\r.b\r\n.\r\n"},
    {"a\r", "a\r\r\n.\r\n"},
    {"a\n", "a\n\r\n.\r\n"},
    {"a\r\n\n.b", "a\r\n\n.b\r\n.\r\n"},
};

TEST(DotStufferTest, EscapesAndEnds) {
  for (const Case& c : kCases) EXPECT_EQ(Stuff(c.content), c.wire) << c.content;
}

TEST(DotStufferTest, AnySplitGivesTheSame) {
  for (const Case& c : kCases) {
    for (size_t split = 0; split <= c.content.size(); ++split) {
      EXPECT_EQ(Stuff(c.content.substr(0, split), c.content.substr(split)), c.wire) << c.content << " at " << split;
    }
    DotStuffer stuffer;
    std::string out;
    for (size_t i = 0; i < c.content.size(); ++i) stuffer.Write(c.content.substr(i, 1), out);
    stuffer.Finish(out);
    EXPECT_EQ(out, c.wire) << c.content;
  }
}

TEST(DotStufferTest, StartsAnewAfterTheEnd) {
  DotStuffer stuffer;
  std::string out;
  stuffer.Write("a", out);
  stuffer.Finish(out);
  stuffer.Write(".b", out);
  stuffer.Finish(out);
  EXPECT_EQ(out, "a\r\n.\r\n..b\r\n.\r\n");
}

}  // namespace
}  // namespace mailmesh::base
