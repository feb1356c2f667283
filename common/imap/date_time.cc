#include "common/imap/date_time.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>

#include "absl/status/status.h"
#include "common/imap/chars.h"

namespace mailmesh::imap {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr int64_t kSecondsPerDay = 86400;

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// All of `text`, which has nothing but digits.
std::optional<int> Digits(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), internal::IsDigit)) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int> Month(std::string_view name) {
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (internal::EqualsIgnoreCase(name, kMonths[i])) return static_cast<int>(i) + 1;
  }
  return std::nullopt;
}

// "-Feb-1994"
std::optional<Date> MonthAndYear(int day, std::string_view rest) {
  if (rest.size() != 9 || rest[0] != '-' || rest[4] != '-') return std::nullopt;
  const auto month = Month(rest.substr(1, 3));
  const auto year = Digits(rest.substr(5));
  if (!month || !year) return std::nullopt;
  const std::chrono::year_month_day checked{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                            std::chrono::day(static_cast<unsigned>(day))};
  if (!checked.ok()) return std::nullopt;
  return Date{static_cast<int16_t>(*year), static_cast<uint8_t>(*month), static_cast<uint8_t>(day)};
}

Date FromDays(int64_t days) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  return {static_cast<int16_t>(static_cast<int>(date.year())), static_cast<uint8_t>(static_cast<unsigned>(date.month())),
          static_cast<uint8_t>(static_cast<unsigned>(date.day()))};
}

void AppendPadded(std::string& out, int value, int width, char pad = '0') {
  std::array<char, 8> digits;
  for (int i = width - 1; i >= 0; --i, value /= 10) {
    digits[static_cast<size_t>(i)] = value == 0 && i < width - 1 ? pad : static_cast<char>('0' + value % 10);
  }
  out.append(digits.data(), static_cast<size_t>(width));
}

void AppendMonthAndYear(std::string& out, const Date& date) {
  out.push_back('-');
  out.append(kMonths[std::clamp<size_t>(date.month, 1, 12) - 1]);
  out.push_back('-');
  AppendPadded(out, std::clamp<int>(date.year, 0, 9999), 4);
}

// "12:05:00" -> seconds of the day.
std::optional<int> TimeOfDay(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return std::nullopt;
  const auto hour = Digits(text.substr(0, 2));
  const auto minute = Digits(text.substr(3, 2));
  const auto second = Digits(text.substr(6, 2));
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return *hour * 3600 + *minute * 60 + std::min(*second, 59);
}

// "+0100" -> minutes east.
std::optional<int> Zone(std::string_view text) {
  if (text.size() != 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto hours = Digits(text.substr(1, 2));
  const auto minutes = Digits(text.substr(3, 2));
  if (!hours || !minutes || *minutes > 59) return std::nullopt;
  const int zone = *hours * 60 + *minutes;
  return text[0] == '-' ? -zone : zone;
}

}  // namespace

int64_t Date::DaysSinceEpoch() const {
  return std::chrono::sys_days(std::chrono::year_month_day{std::chrono::year(year), std::chrono::month(month),
                                                           std::chrono::day(day)})
      .time_since_epoch()
      .count();
}

int64_t DateTime::LocalDay() const { return FloorDiv(unix_seconds + int64_t{zone_minutes} * 60, kSecondsPerDay); }

absl::StatusOr<Date> ParseDate(std::string_view text) {
  const size_t day_size = text.size() == 10 ? 1 : 2;
  const auto day = Digits(text.substr(0, day_size));
  if (day && text.size() >= day_size) {
    if (const auto date = MonthAndYear(*day, text.substr(day_size))) return *date;
  }
  return absl::InvalidArgumentError("Invalid date");
}

void AppendDate(std::string& out, const Date& date) {
  internal::AppendNumber(out, date.day);
  AppendMonthAndYear(out, date);
}

absl::StatusOr<DateTime> ParseDateTime(std::string_view text) {
  const auto invalid = [] { return absl::InvalidArgumentError("Invalid date-time"); };
  if (text.size() != 26 || text[11] != ' ' || text[20] != ' ') return invalid();
  // RFC 3501, 9 (date-day-fixed): " 1" or "01".
  const auto day = Digits(text[0] == ' ' ? text.substr(1, 1) : text.substr(0, 2));
  if (!day) return invalid();
  const auto date = MonthAndYear(*day, text.substr(2, 9));
  const auto time = TimeOfDay(text.substr(12, 8));
  const auto zone = Zone(text.substr(21));
  if (!date || !time || !zone) return invalid();
  return DateTime{date->DaysSinceEpoch() * kSecondsPerDay + *time - int64_t{*zone} * 60, static_cast<int16_t>(*zone)};
}

void AppendDateTime(std::string& out, const DateTime& time) {
  constexpr int kMaxZone = 99 * 60 + 59;
  const int zone = std::clamp<int>(time.zone_minutes, -kMaxZone, kMaxZone);
  static const int64_t kFirst = Date{0, 1, 1}.DaysSinceEpoch() * kSecondsPerDay;
  static const int64_t kLast = Date{9999, 12, 31}.DaysSinceEpoch() * kSecondsPerDay + kSecondsPerDay - 1;
  // Clamped before the zone is added, too: the sum must not overflow.
  const int64_t seconds = std::clamp(time.unix_seconds, kFirst - kSecondsPerDay * 5, kLast + kSecondsPerDay * 5);
  const int64_t local = std::clamp(seconds + int64_t{zone} * 60, kFirst, kLast);
  const int64_t day = FloorDiv(local, kSecondsPerDay);
  const int second = static_cast<int>(local - day * kSecondsPerDay);
  const Date date = FromDays(day);
  out.push_back('"');
  AppendPadded(out, date.day, 2, ' ');
  AppendMonthAndYear(out, date);
  out.push_back(' ');
  AppendPadded(out, second / 3600, 2);
  out.push_back(':');
  AppendPadded(out, second / 60 % 60, 2);
  out.push_back(':');
  AppendPadded(out, second % 60, 2);
  out.append(zone < 0 ? " -" : " +");
  AppendPadded(out, std::abs(zone) / 60, 2);
  AppendPadded(out, std::abs(zone) % 60, 2);
  out.push_back('"');
}

}  // namespace mailmesh::imap
