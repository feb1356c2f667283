#include "common/mime/date.h"

#include <gtest/gtest.h>

#include <string>

namespace mailmesh::mime {
namespace {

TEST(DateTest, Parses) {
  struct Case {
    std::string text;
    int64_t unix_seconds;
    int zone;
    bool known;
  };
  const Case table[] = {
      {"Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360, true},
      {"21 Nov 97 09:55:06 GMT", 880106106, 0, true},
      {"Thu, 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland Time)", -27723480, -210, true},
      {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360, true},
      {"1 Jan 1970 00:00 +0000", 0, 0, true},
      {"1 Jan 1970 00:00:00 -0000", 0, 0, false},
      {"1 Jan 1970 00:00:00", 0, 0, false},
      {"1 Jan 1970 00:00:00 A", 0, 0, false},
      {"1 Jan 70 00:00:00 Z", 0, 0, true},
      {"1 Jan 100 00:00:00 UT", 946684800, 0, true},
      {"1 January 1970 05:00:00 EST", 36000, -300, true},
      {"29 Feb 2000 12:00:00 +0100", 951822000, 60, true},
      {"Wed 31 Dec 1969 23:59:60 +0000", 0, 0, true},
  };
  for (const Case& c : table) {
    const std::optional<DateTime> time = ParseDateTime(c.text);
    ASSERT_TRUE(time.has_value()) << c.text;
    EXPECT_EQ(time->unix_seconds, c.unix_seconds) << c.text;
    EXPECT_EQ(time->zone_minutes, c.zone) << c.text;
    EXPECT_EQ(time->zone_is_known, c.known) << c.text;
  }
}

TEST(DateTest, Refuses) {
  for (const char* text : {"", "x", "Fri,", "32 Nov 1997 09:55", "0 Nov 1997 09:55", "21 Foo 1997 09:55", "21 Nov 1997", "21 Nov 1997 24:00",
                           "21 Nov 1997 23:60", "21 Nov 19970 23:00", "21 Nov 1 23:00", "99999999999 Nov 1997 09:55", "21 Nov 1997 09:55:61"}) {
    EXPECT_FALSE(ParseDateTime(text).has_value()) << text;
  }
}

TEST(DateTest, FormatsAndReadsBack) {
  EXPECT_EQ(FormatDateTime({880127706, -360, true}), "Fri, 21 Nov 1997 09:55:06 -0600");
  EXPECT_EQ(FormatDateTime({0, 0, false}), "Thu, 01 Jan 1970 00:00:00 -0000");
  EXPECT_EQ(FormatDateTime({-1, 330, true}), "Thu, 01 Jan 1970 05:29:59 +0530");
  for (int64_t at = -62000000000; at < 250000000000; at += 86400 * 997 + 12345) {
    for (const int zone : {0, -720, 845}) {
      const DateTime time{at, zone, true};
      EXPECT_EQ(ParseDateTime(FormatDateTime(time)), time) << FormatDateTime(time);
    }
  }
  EXPECT_EQ(FormatDateTime({INT64_MAX, INT32_MAX, true}).substr(8, 8), "Dec 9999");
  EXPECT_EQ(FormatDateTime({INT64_MIN, INT32_MIN + 1, true}).substr(8, 8), "Jan 0000");
}

TEST(DateTest, LocalDay) {
  EXPECT_EQ(ParseDateTime("1 Jan 1970 23:30:00 -0600")->LocalDay(), 0);
  EXPECT_EQ(ParseDateTime("31 Dec 1969 00:30:00 +0600")->LocalDay(), -1);
  EXPECT_EQ(DaysFromCivil(2000, 3, 1), 11017);
}

}  // namespace
}  // namespace mailmesh::mime
