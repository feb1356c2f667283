#include "common/mime/header.h"

#include <gtest/gtest.h>

#include <string>

namespace mailmesh::mime {
namespace {

TEST(HeaderTest, FieldsGiveTheBlockBack) {
  using namespace std::string_literals;
  const std::string blocks[] = {"", "\r\n", "A: b\r\n\r\nbody", "A: b\n c\n\td\nE :f\n\nbody", "no colon\r\nA:\r\n\r\n", " first\n",
                                "A: x\r", "A\0: \0\xff\n\n"s, ":\n::\n\n", "A: b\n \n c\n\n"};
  for (const std::string& text : blocks) {
    HeaderReader reader(text);
    HeaderField field;
    std::string all;
    while (reader.Next(&field)) {
      EXPECT_EQ(field.offset, all.size());
      all += field.raw;
    }
    EXPECT_EQ(all, text.substr(0, all.size()));
    EXPECT_EQ(reader.ended(), FindHeaderEnd(text) != std::string_view::npos);
    if (reader.ended()) {
      EXPECT_EQ(reader.offset(), FindHeaderEnd(text));
    }
    if (!reader.ended()) {
      EXPECT_EQ(reader.offset(), text.size());
    }
  }
}

TEST(HeaderTest, NamesAndValues) {
  const HeaderBlock block = ScanHeader("A: b\r\nSubject : two\r\n\tlines\r\njunk\r\nEmpty:\r\n\r\nbody");
  ASSERT_EQ(block.fields.size(), 4u);
  EXPECT_TRUE(block.complete);
  EXPECT_FALSE(block.truncated);
  EXPECT_EQ(block.fields[0].name, "A");
  EXPECT_EQ(block.fields[0].value, " b");
  EXPECT_EQ(block.fields[1].name, "Subject");
  EXPECT_EQ(block.fields[1].value, " two\r\n\tlines");
  EXPECT_EQ(HeaderText(block.fields[1].value), "two lines");
  EXPECT_EQ(Unfold(block.fields[1].value), " two\tlines");
  EXPECT_FALSE(block.fields[2].has_colon);
  EXPECT_EQ(block.fields[2].name, "junk");
  EXPECT_EQ(block.Find("EMPTY")->value, "");
  EXPECT_EQ(block.Find("none"), nullptr);
}

TEST(HeaderTest, FieldLimit) {
  const std::string text = "A: 1\nB: 2\nC: 3\n\n";
  for (const size_t limit : {2u, 3u, 4u}) {
    const HeaderBlock block = ScanHeader(text, limit);
    EXPECT_EQ(block.fields.size(), std::min<size_t>(limit, 3));
    EXPECT_EQ(block.truncated, limit < 3);
    EXPECT_EQ(block.size, text.size());
  }
}

TEST(HeaderTest, HeaderTextShowsNoNul) { EXPECT_EQ(HeaderText(std::string_view(" a\0b", 4)), "a\x80" "b"); }

struct Scan {
  bool ended;
  uint64_t size, fields, longest;
  uint32_t received;
  bool has_8bit;
  bool operator==(const Scan&) const = default;
};

Scan Result(const HeaderScanner& scanner) {
  return {scanner.header_ended(), scanner.header_size(), scanner.field_count(), scanner.longest_line(), scanner.received_count(),
          scanner.has_8bit()};
}

TEST(HeaderScannerTest, EverySplit) {
  const std::string texts[] = {"Received: a\r\n by b\r\nreceived : c\r\nX-Received: d\r\nDate: x\r\n\r\nReceived: body\r\n",
                               "Received\n: x\nReceived: y\n\nbody", "\r\nbody", "\nbody", "\r\r\n\n", "A: b\r\n\r", "Subject: \xc3\xbc\n\n", "",
                               "A:\r\n B\r\n\r\n"};
  for (const std::string& text : texts) {
    HeaderScanner whole;
    whole.Feed(text);
    for (size_t split = 0; split <= text.size(); ++split) {
      HeaderScanner parts;
      parts.Feed(std::string_view(text).substr(0, split));
      parts.Feed(std::string_view(text).substr(split));
      ASSERT_EQ(Result(parts), Result(whole)) << text << " split at " << split;
    }
    HeaderScanner octets;
    for (const char c : text) octets.Feed(std::string_view(&c, 1));
    EXPECT_EQ(Result(octets), Result(whole));
    EXPECT_EQ(whole.header_ended(), FindHeaderEnd(text) != std::string_view::npos);
    if (whole.header_ended()) {
      EXPECT_EQ(whole.header_size(), FindHeaderEnd(text));
    }
  }
}

TEST(HeaderScannerTest, Counts) {
  HeaderScanner scanner;
  scanner.Feed("Received: a\r\n by b\r\nreceived : c\r\nX-Received: d\r\nDate: x\r\nMessage-ID: <1>\r\n\r\nReceived: body\r\n");
  EXPECT_EQ(scanner.received_count(), 2u);
  EXPECT_TRUE(scanner.Has(KnownField::kDate));
  EXPECT_TRUE(scanner.Has(KnownField::kMessageId));
  EXPECT_FALSE(scanner.Has(KnownField::kFrom));
  EXPECT_EQ(scanner.field_count(), 5u);
  EXPECT_EQ(scanner.longest_line(), 15u);
  EXPECT_FALSE(scanner.has_8bit());
}

}  // namespace
}  // namespace mailmesh::mime
