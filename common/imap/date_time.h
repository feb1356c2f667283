// IMAP's dates: "1-Feb-1994" of SEARCH and " 1-Feb-1994 12:05:00 +0100" of INTERNALDATE and APPEND.
//
// Thread-safety: values and free functions. Constant memory.
// RFC 3501, 9 (date, date-time); RFC 3501, 6.4.4 (dates of SEARCH know no time and no zone).
#ifndef MAILMESH_COMMON_IMAP_DATE_TIME_H_
#define MAILMESH_COMMON_IMAP_DATE_TIME_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace mailmesh::imap {

// A day of the Gregorian calendar, years 0 to 9999, checked: there is no 30-Feb.
struct Date {
  int16_t year = 1970;
  uint8_t month = 1;
  uint8_t day = 1;

  // Days since 1970-01-01.
  int64_t DaysSinceEpoch() const;
  auto operator<=>(const Date&) const = default;
};

struct DateTime {
  int64_t unix_seconds = 0;  // UTC
  int16_t zone_minutes = 0;  // east of UTC: the clock of the writer showed unix_seconds + 60 * zone_minutes

  // The day by the writer's clock. RFC 3501, 6.4.4: ON, BEFORE and SINCE disregard time and zone.
  int64_t LocalDay() const;
  bool operator==(const DateTime&) const = default;
};

// date-text without quotes: "1-Feb-1994", "01-feb-1994".
absl::StatusOr<Date> ParseDate(std::string_view text);
void AppendDate(std::string& out, const Date& date);

// date-time without quotes: 26 octets, the day may start with a space. A second of 60 counts as 59 (leap seconds).
absl::StatusOr<DateTime> ParseDateTime(std::string_view text);
// With quotes, as it stands in FETCH and APPEND. Years outside 0-9999 and zones beyond 99 hours are clamped.
void AppendDateTime(std::string& out, const DateTime& time);

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_DATE_TIME_H_
