#include "common/base/units.h"

#include <gtest/gtest.h>

namespace mailmesh::base {
namespace {

TEST(ParseDurationTest, Good) {
  EXPECT_EQ(*ParseDuration("0"), absl::ZeroDuration());
  EXPECT_EQ(*ParseDuration("0s"), absl::ZeroDuration());
  EXPECT_EQ(*ParseDuration("250ms"), absl::Milliseconds(250));
  EXPECT_EQ(*ParseDuration("5m"), absl::Minutes(5));
  EXPECT_EQ(*ParseDuration("1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseDuration("7d"), absl::Hours(168));
  EXPECT_EQ(*ParseDuration("1s500us"), absl::Microseconds(1'000'500));
}

TEST(ParseDurationTest, Bad) {
  for (const char* text : {"", "5", "m", "-5m", "+5m", " 5m", "5m ", "5 m", "1.5h", "5x", "inf",
                           "99999999999999999999s", "9223372036854775807d", "40000d", "5mm"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(DurationTextTest, ComesBack) {
  EXPECT_EQ(DurationText(absl::ZeroDuration()), "0s");
  EXPECT_EQ(DurationText(absl::Minutes(90)), "1h30m");
  EXPECT_EQ(DurationText(absl::Hours(168)), "7d");
  for (const char* text : {"250ms", "1d2h3m4s5ms6us7ns", "100s"}) {
    EXPECT_EQ(*ParseDuration(DurationText(*ParseDuration(text))), *ParseDuration(text)) << text;
  }
}

TEST(ParseSizeTest, GoodAndBad) {
  EXPECT_EQ(*ParseSize("0"), 0u);
  EXPECT_EQ(*ParseSize("1048576"), 1048576u);
  EXPECT_EQ(*ParseSize("25MiB"), 25u << 20);
  EXPECT_EQ(*ParseSize("64KiB"), 65536u);
  EXPECT_EQ(*ParseSize("2GB"), 2'000'000'000u);
  EXPECT_EQ(*ParseSize("16777215TiB"), 16777215ull << 40);
  for (const char* text : {"", "MiB", "-1", "1.5MiB", "1 MiB", "1M", "1mib", "16777216TiB", "18446744073709551616"}) {
    EXPECT_FALSE(ParseSize(text).ok()) << text;
  }
}

TEST(SizeTextTest, UsesTheGreatestUnitThatDivides) {
  EXPECT_EQ(SizeText(0), "0");
  EXPECT_EQ(SizeText(1000), "1000");
  EXPECT_EQ(SizeText(1024), "1KiB");
  EXPECT_EQ(SizeText(25u << 20), "25MiB");
  EXPECT_EQ(SizeText((25u << 20) + 1024), "25601KiB");
}

}  // namespace
}  // namespace mailmesh::base
