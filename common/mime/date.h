// Date-time values of header fields, read tolerantly and written strictly.
//
// Thread-safety: free functions. Constant memory, never throws on input.
// RFC 5322, 3.3 and 4.3 (obsolete zones, two-digit years, comments anywhere).
#ifndef MAILMESH_COMMON_MIME_DATE_H_
#define MAILMESH_COMMON_MIME_DATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailmesh::mime {

struct DateTime {
  int64_t unix_seconds = 0;    // UTC, since 1970
  int32_t zone_minutes = 0;    // east of UTC: what the writer's clock showed is unix_seconds + 60 * zone_minutes
  bool zone_is_known = true;   // RFC 5322, 3.3: false for "-0000"; 4.3: and for unknown alphabetic zones

  // The day by the writer's clock, as days since 1970-01-01: IMAP's SENTBEFORE, SENTON, SENTSINCE ignore time and zone.
  int64_t LocalDay() const;
  bool operator==(const DateTime&) const = default;
};

// nullopt when it is no date. The day's name may be missing or wrong, the zone may be missing (taken as -0000).
std::optional<DateTime> ParseDateTime(std::string_view value);

// "Fri, 21 Nov 1997 09:55:06 -0600". Years outside 0000-9999 and zones beyond 99 hours are clamped.
std::string FormatDateTime(const DateTime& time);

// Days since 1970-01-01 of a day of the Gregorian calendar; month 1-12, day 1-31 (not checked against the month).
int64_t DaysFromCivil(int64_t year, int month, int day);

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_DATE_H_
