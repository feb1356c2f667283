#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <string>

#include "common/mime/structure.h"
#include "tests/unit/common/mime/structure_for_test.h"

namespace mailmesh::mime {
namespace {

using Clock = std::chrono::steady_clock;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::chrono::seconds kSoon(20);
#else
constexpr std::chrono::seconds kSoon(1);
#endif

std::string NestedMultiparts(int depth) {
  std::string message;
  for (int i = 0; i < depth; ++i) {
    const std::string boundary = "b" + std::to_string(i) + "x";
    message += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
  }
  message += "\r\nleaf\r\n";
  for (int i = depth; i-- > 0;) message += "--b" + std::to_string(i) + "x--\r\n";
  return message;
}

std::string NestedMessages(int depth) {
  std::string message;
  for (int i = 0; i < depth; ++i) message += "Content-Type: message/rfc822\r\n\r\n";
  return message + "\r\nleaf\r\n";
}

std::string ManyParts(int count) {
  std::string message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < count; ++i) message += "--b\r\n\r\n" + std::to_string(i) + "\r\n";
  return message + "--b--\r\n";
}

uint64_t PeakKib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss);
}

TEST(StructureLimitsTest, Depth) {
  StructureLimits limits;
  limits.max_depth = 5;
  for (const auto& make : {NestedMultiparts, NestedMessages}) {
    for (const int depth : {4, 5, 6}) {
      const std::string message = make(depth);
      const Structure structure = ParseStructure(message, limits);
      ExpectTiles(message, structure);
      EXPECT_EQ(structure.parts.size(), depth <= 5 ? depth + 1u : 6u);
      EXPECT_EQ(structure.truncated, depth > 5);
      EXPECT_EQ(structure.parts.back().opaque, depth > 5);
    }
  }
}

TEST(StructureLimitsTest, Parts) {
  StructureLimits limits;
  limits.max_parts = 10;
  for (const int children : {8, 9, 10, 20}) {
    const std::string message = ManyParts(children);
    const Structure structure = ParseStructure(message, limits);
    ExpectTiles(message, structure);
    EXPECT_EQ(structure.parts.size(), std::min(children + 1, 10));
    EXPECT_EQ(structure.truncated, children > 9);
    if (children == 10) {
      EXPECT_EQ(BodyOf(message, structure.parts.back()), "8\r\n--b\r\n\r\n9\r\n--b--\r\n");
    }
    EXPECT_EQ(Describe(ParseInPieces(message, 1, limits)), Describe(structure));
  }
}

TEST(StructureLimitsTest, TheLastPartMayNotNest) {
  StructureLimits limits;
  limits.max_parts = 1;
  for (const std::string message : {"Content-Type: message/rfc822\n\nSubject: x\n\nbody\n",
                                    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n"}) {
    const Structure structure = ParseStructure(message, limits);
    ASSERT_EQ(structure.parts.size(), 1u);
    EXPECT_TRUE(structure.root().opaque);
    EXPECT_EQ(structure.root().kind, PartKind::kLeaf);
    ExpectTiles(message, structure);
  }
}

TEST(StructureLimitsTest, HeaderSize) {
  const std::string header = "Subject: 12345\r\nContent-ID: 6789\r\n";
  for (const int margin : {-1, 0, 1}) {
    StructureLimits limits;
    limits.max_header_size = header.size() + static_cast<size_t>(margin + 1) - 1;
    const std::string message = header + "\r\nbody";
    const Structure structure = ParseStructure(message, limits);
    EXPECT_EQ(structure.root().header_cut, margin < 0);
    EXPECT_EQ(structure.root().header_size, header.size() + 2);
    EXPECT_EQ(Describe(ParseInPieces(message, 1, limits)), Describe(structure));
    ExpectTiles(message, structure);
  }
}

TEST(StructureLimitsTest, KeptSize) {
  StructureLimits limits;
  limits.max_kept_size = 10000;
  std::string message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 100; ++i) {
    message += "--b\r\nContent-Type: image/gif\r\nContent-Description: " + std::string(1000, 'x') + "\r\n\r\nbody\r\n";
  }
  const Structure structure = ParseStructure(message, limits);
  ExpectTiles(message, structure);
  EXPECT_TRUE(structure.truncated);
  ASSERT_EQ(structure.parts.size(), 101u);
  EXPECT_TRUE(structure.parts[1].description.has_value());
  EXPECT_FALSE(structure.parts[100].description.has_value());
  EXPECT_EQ(structure.parts[100].type, "image");
}

TEST(StructureLimitsTest, DepthOf10000AndManyPartsAreQuick) {
  const std::string messages[] = {NestedMultiparts(10000), NestedMessages(10000), ManyParts(100000)};
  const uint64_t before = PeakKib();
  const auto start = Clock::now();
  for (const std::string& message : messages) {
    const Structure structure = ParseInPieces(message, 256 * 1024);
    EXPECT_TRUE(structure.truncated);
    ExpectTiles(message, structure);
  }
  EXPECT_LT(Clock::now() - start, kSoon);
  EXPECT_LT(PeakKib() - before, 64u * 1024);
}

TEST(StructureLimitsTest, NoLimitIsQuickToo) {
  StructureLimits limits;
  limits.max_parts = 200000;
  const std::string message = ManyParts(100000);
  const auto start = Clock::now();
  EXPECT_EQ(ParseStructure(message, limits).parts.size(), 100001u);
  EXPECT_LT(Clock::now() - start, kSoon);
}

// The dearest line: it looks like a delimiter of each of many open multiparts and is of none.
TEST(StructureLimitsTest, DashedLinesUnderManyBoundariesAreQuick) {
  std::string message;
  for (int i = 0; i < 99; ++i) {
    const std::string boundary = std::string(60, 'a') + std::to_string(i);
    message += "Content-Type: multipart/mixed; boundary=" + boundary + "\n\n--" + boundary + "\n";
  }
  message += "\n";
  const std::string line = "--" + std::string(60, 'a') + "z\n";
  while (message.size() < (8u << 20)) message += line;
  const auto start = Clock::now();
  EXPECT_EQ(ParseStructure(message).parts.size(), 100u);
  EXPECT_LT(Clock::now() - start, kSoon);
}

TEST(StructureLimitsTest, EndlessLinesAndHeadersKeepNothing) {
  const std::string piece(256 * 1024, 'x');
  for (const std::string_view start : {"X-Endless: ", "Subject: x\n\n", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--"}) {
    StructureParser parser;
    parser.Feed(start);
    const uint64_t before = PeakKib();
    for (int i = 0; i < 400; ++i) parser.Feed(piece);
    EXPECT_LT(PeakKib() - before, 16u * 1024);
    EXPECT_EQ(std::move(parser).Finish().size, start.size() + 400 * piece.size());
  }
}

TEST(StructureLimitsTest, FourKibibytesCostMicroseconds) {
  std::string message = "From: John <john@example.org>\r\nTo: a@b, c@d\r\nSubject: hello\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n\r\n";
  while (message.size() < 4096) message += "A line of ordinary text, as long as lines of text in mail are wont to be.\r\n";
  const auto start = Clock::now();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(ParseStructure(message).parts.size(), 1u);
  const auto each = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count() / 1000;
  RecordProperty("nanoseconds_per_message", std::to_string(each));
  EXPECT_LT(each, std::chrono::nanoseconds(kSoon).count() / 1000);
}

}  // namespace
}  // namespace mailmesh::mime
