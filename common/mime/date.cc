#include "common/mime/date.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "common/mime/lexer.h"
#include "common/text/ascii.h"

namespace mailmesh::mime {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};  // from 1970-01-01

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlpha(char c) { return text::LowerAscii(c) >= 'a' && text::LowerAscii(c) <= 'z'; }

// A number of min to max digits after CFWS.
std::optional<int> TakeNumber(Lexer* lexer, size_t min, size_t max) {
  lexer->SkipCfws();
  const std::string_view digits = lexer->TakeWhile(IsDigit);
  int value = 0;
  if (digits.size() < min || digits.size() > max) return std::nullopt;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::string_view TakeWord(Lexer* lexer) {
  lexer->SkipCfws();
  return lexer->TakeWhile(IsAlpha);
}

// 1 to 12. Full names ("November") are taken, too.
std::optional<int> TakeMonth(Lexer* lexer) {
  const std::string_view word = TakeWord(lexer);
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (text::StartsWithIgnoreAsciiCase(word, kMonths[i])) return static_cast<int>(i) + 1;
  }
  return std::nullopt;
}

std::optional<int> TakeYear(Lexer* lexer) {
  lexer->SkipCfws();
  const size_t start = lexer->position();
  const std::optional<int> year = TakeNumber(lexer, 2, 4);
  if (!year) return std::nullopt;
  // RFC 5322, 4.3: two digits up to 49 are of this century, other two or three digits count from 1900.
  const size_t digits = lexer->position() - start;
  if (digits == 2) return *year + (*year < 50 ? 2000 : 1900);
  return digits == 3 ? *year + 1900 : *year;
}

// hour ":" minute [":" second], in seconds.
std::optional<int> TakeTimeOfDay(Lexer* lexer) {
  const std::optional<int> hour = TakeNumber(lexer, 1, 2);
  lexer->SkipCfws();
  if (!hour || *hour > 23 || !lexer->Take(':')) return std::nullopt;
  const std::optional<int> minute = TakeNumber(lexer, 1, 2);
  if (!minute || *minute > 59) return std::nullopt;
  lexer->SkipCfws();
  int second = 0;
  if (lexer->Take(':')) {
    const std::optional<int> given = TakeNumber(lexer, 1, 2);
    if (!given || *given > 60) return std::nullopt;  // 60: a leap second
    second = *given;
  }
  return *hour * 3600 + *minute * 60 + second;
}

struct Zone {
  std::string_view name;
  int minutes;
};
// RFC 5322, 4.3. Military letters but Z were defined the wrong way round in RFC 822: they tell nothing.
constexpr Zone kZones[] = {{"UT", 0},    {"GMT", 0},    {"UTC", 0},    {"Z", 0},      {"EST", -300}, {"EDT", -240},
                           {"CST", -360}, {"CDT", -300}, {"MST", -420}, {"MDT", -360}, {"PST", -480}, {"PDT", -420}};

void TakeZone(Lexer* lexer, DateTime* time) {
  time->zone_is_known = false;
  lexer->SkipCfws();
  const char sign = lexer->peek();
  if (sign == '+' || sign == '-') {
    lexer->Skip();
    const std::optional<int> zone = TakeNumber(lexer, 4, 4);
    if (!zone) return;
    const int minutes = *zone / 100 * 60 + *zone % 100;
    time->zone_minutes = sign == '-' ? -minutes : minutes;
    // RFC 5322, 3.3: "-0000" is UTC from a system that does not tell its zone.
    time->zone_is_known = !(sign == '-' && minutes == 0);
    return;
  }
  const std::string_view name = TakeWord(lexer);
  for (const Zone& zone : kZones) {
    if (text::EqualsIgnoreAsciiCase(name, zone.name)) {
      time->zone_minutes = zone.minutes;
      time->zone_is_known = true;
    }
  }
}

struct Civil {
  int64_t year;
  int month;
  int day;
};

// The inverse of DaysFromCivil: eras of 400 years that begin in March, so that the leap day is the last of its year.
Civil CivilFromDays(int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const int64_t day_of_era = days - era * 146097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t march_month = (5 * day_of_year + 2) / 153;
  Civil civil;
  civil.day = static_cast<int>(day_of_year - (153 * march_month + 2) / 5 + 1);
  civil.month = static_cast<int>(march_month < 10 ? march_month + 3 : march_month - 9);
  civil.year = year_of_era + era * 400 + (civil.month <= 2 ? 1 : 0);
  return civil;
}

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

int64_t DaysFromCivil(int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

int64_t DateTime::LocalDay() const { return FloorDivide(unix_seconds + int64_t{zone_minutes} * 60, 86400); }

std::optional<DateTime> ParseDateTime(std::string_view value) {
  Lexer lexer(value);
  lexer.SkipCfws();
  // The day's name says nothing that the date does not.
  lexer.TakeWhile([](char c) { return IsAlpha(c) || c == '.'; });
  lexer.SkipCfws();
  lexer.Take(',');
  const std::optional<int> day = TakeNumber(&lexer, 1, 2);
  if (!day || *day < 1 || *day > 31) return std::nullopt;
  const std::optional<int> month = TakeMonth(&lexer);
  if (!month) return std::nullopt;
  const std::optional<int> year = TakeYear(&lexer);
  if (!year) return std::nullopt;
  const std::optional<int> time_of_day = TakeTimeOfDay(&lexer);
  if (!time_of_day) return std::nullopt;
  DateTime time;
  TakeZone(&lexer, &time);
  time.unix_seconds = DaysFromCivil(*year, *month, *day) * 86400 + *time_of_day - int64_t{time.zone_minutes} * 60;
  return time;
}

std::string FormatDateTime(const DateTime& time) {
  const int zone = std::clamp(time.zone_minutes, -99 * 60 - 59, 99 * 60 + 59);
  const int64_t first = DaysFromCivil(0, 1, 1) * 86400;
  const int64_t last = DaysFromCivil(10000, 1, 1) * 86400 - 1;
  const int64_t shown = std::clamp(std::clamp(time.unix_seconds, first, last) + int64_t{zone} * 60, first, last);
  const int64_t days = FloorDivide(shown, 86400);
  const int seconds = static_cast<int>(shown - days * 86400);
  const Civil civil = CivilFromDays(days);
  const size_t week_day = static_cast<size_t>(days - FloorDivide(days, 7) * 7);
  const bool minus = zone < 0 || !time.zone_is_known;
  const int magnitude = zone < 0 ? -zone : zone;
  char text[48];
  const int size = std::snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d %c%02d%02d", kDays[week_day].data(),
                                 civil.day, kMonths[static_cast<size_t>(civil.month - 1)].data(),
                                 static_cast<int>(civil.year), seconds / 3600, seconds / 60 % 60, seconds % 60,
                                 minus ? '-' : '+', magnitude / 60, magnitude % 60);
  return std::string(text, static_cast<size_t>(std::clamp(size, 0, static_cast<int>(sizeof(text)) - 1)));
}

}  // namespace mailmesh::mime
