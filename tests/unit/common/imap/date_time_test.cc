#include "common/imap/date_time.h"

#include <gtest/gtest.h>

namespace mailmesh::imap {
namespace {

TEST(DateTest, Parses) {
  EXPECT_EQ(*ParseDate("1-Feb-1994"), (Date{1994, 2, 1}));
  EXPECT_EQ(*ParseDate("01-feb-1994"), (Date{1994, 2, 1}));
  EXPECT_EQ(*ParseDate("29-FEB-2000"), (Date{2000, 2, 29}));
  EXPECT_EQ((Date{1970, 1, 1}).DaysSinceEpoch(), 0);
  EXPECT_EQ((Date{2000, 3, 1}).DaysSinceEpoch(), 11017);
  EXPECT_EQ((Date{1969, 12, 31}).DaysSinceEpoch(), -1);
}

TEST(DateTest, Refuses) {
  for (const char* text : {"", "1", "1-Feb-94", "29-Feb-1900", "30-Feb-2000", "0-Jan-2000", "32-Jan-2000", "1-Foo-2000", "1 Jan 2000",
                           "001-Jan-2000", "-1-Jan-2000", "+1-Jan-2000", "1-Jan-20000", " 1-Jan-2000", "1-Jan-2000 "}) {
    EXPECT_FALSE(ParseDate(text).ok()) << text;
  }
}

TEST(DateTimeTest, RoundTrips) {
  for (const char* text : {"17-Jul-1996 02:44:25 -0700", " 1-Jan-1970 00:00:00 +0000", "31-Dec-1969 23:59:59 +0000",
                           "29-Feb-2024 12:00:00 +1345", " 1-Jan-0000 00:00:00 +0000", "31-Dec-9999 23:59:59 -1200"}) {
    const auto time = ParseDateTime(text);
    ASSERT_TRUE(time.ok()) << text;
    std::string out;
    AppendDateTime(out, *time);
    EXPECT_EQ(out, "\"" + std::string(text) + "\"");
  }
  EXPECT_EQ(ParseDateTime("17-Jul-1996 02:44:25 -0700")->unix_seconds, 837596665);
  EXPECT_EQ(ParseDateTime("01-Jan-1970 01:00:00 +0100")->unix_seconds, 0);
  EXPECT_EQ(ParseDateTime(" 1-Jan-1970 23:30:00 -0100")->LocalDay(), 0);
  EXPECT_EQ(ParseDateTime(" 1-Jan-1970 00:30:00 +0100")->LocalDay(), 0);
  EXPECT_EQ((DateTime{-1, 0}).LocalDay(), -1);
  // A leap second.
  EXPECT_EQ(ParseDateTime("31-Dec-2016 23:59:60 +0000")->unix_seconds, 1483228799);
}

TEST(DateTimeTest, Refuses) {
  for (const char* text :
       {"", "1-Jan-1970 00:00:00 +0000", "  -Jan-1970 00:00:00 +0000", " 1-Jan-1970 24:00:00 +0000", " 1-Jan-1970 00:60:00 +0000",
        " 1-Jan-1970 00:00:61 +0000", " 1-Jan-1970 00:00:00 0000 ", " 1-Jan-1970 00:00:00 +0060", " 1-Jan-1970 00:00:00  UTC ",
        " 1-Jan-1970-00:00:00 +0000", "31-Apr-1970 00:00:00 +0000"}) {
    EXPECT_FALSE(ParseDateTime(text).ok()) << text;
  }
}

TEST(DateTimeTest, ClampsWhatCannotBeWritten) {
  std::string out;
  AppendDateTime(out, {INT64_MAX, INT16_MAX});
  AppendDateTime(out, {INT64_MIN, INT16_MIN});
  EXPECT_EQ(out, "\"31-Dec-9999 23:59:59 +9959\"\" 1-Jan-0000 00:00:00 -9959\"");
}

}  // namespace
}  // namespace mailmesh::imap
