#include "common/base/units.h"

#include <charconv>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/bytes.h"
#include "common/base/status.h"

namespace mailmesh::base {
namespace {

struct DurationUnit {
  std::string_view name;
  int64_t nanoseconds;
};
// The greatest first.
constexpr DurationUnit kDurationUnits[] = {
    {"d", 86'400'000'000'000},
    {"h", 3'600'000'000'000},
    {"m", 60'000'000'000},
    {"s", 1'000'000'000},
    {"ms", 1'000'000},
    {"us", 1'000},
    {"ns", 1},
};
// A hundred years: far beyond any setting, far below what overflows.
constexpr int64_t kMaxSeconds = int64_t{100} * 366 * 86'400;

struct SizeUnit {
  std::string_view name;
  uint64_t octets;
};
constexpr SizeUnit kSizeUnits[] = {
    {"TiB", 1ull << 40},       {"GiB", 1ull << 30},   {"MiB", 1ull << 20}, {"KiB", 1ull << 10}, {"B", 1},
    {"TB", 1'000'000'000'000}, {"GB", 1'000'000'000}, {"MB", 1'000'000},   {"kB", 1'000},       {"KB", 1'000},
};

absl::Status BadDuration(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", Printable(text, 40), "\" is no duration; write for example 250ms, 30s, 5m, 1h30m or 7d"));
}

absl::Status BadSize(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", Printable(text, 40), "\" is no size; write for example 512, 64KiB, 25MiB or 2GB"));
}

// Takes a number from the front of `text`.
bool TakeNumber(std::string_view& text, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

// Takes the letters up to the next digit.
const DurationUnit* TakeUnit(std::string_view& text) {
  const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
  for (const DurationUnit& unit : kDurationUnits) {
    if (name != unit.name) continue;
    text.remove_prefix(name.size());
    return &unit;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(std::string_view text) {
  if (text == "0") return absl::ZeroDuration();
  std::string_view rest = text;
  absl::Duration total;
  do {
    uint64_t number;
    if (!TakeNumber(rest, number)) return BadDuration(text);
    const DurationUnit* unit = TakeUnit(rest);
    if (unit == nullptr) return BadDuration(text);
    if (number > uint64_t{std::numeric_limits<int64_t>::max()}) return BadDuration(text);
    total += absl::Nanoseconds(unit->nanoseconds) * static_cast<int64_t>(number);
    if (total > absl::Seconds(kMaxSeconds)) return BadDuration(text);
  } while (!rest.empty());
  return total;
}

std::string DurationText(absl::Duration duration) {
  if (duration <= absl::ZeroDuration()) return "0s";
  std::string text;
  for (const DurationUnit& unit : kDurationUnits) {
    const int64_t count = absl::IDivDuration(duration, absl::Nanoseconds(unit.nanoseconds), &duration);
    if (count > 0) absl::StrAppend(&text, count, Av(unit.name));
  }
  return text.empty() ? "0s" : text;
}

absl::StatusOr<uint64_t> ParseSize(std::string_view text) {
  std::string_view rest = text;
  uint64_t number;
  if (!TakeNumber(rest, number)) return BadSize(text);
  if (rest.empty()) return number;
  for (const SizeUnit& unit : kSizeUnits) {
    if (rest != unit.name) continue;
    if (number > std::numeric_limits<uint64_t>::max() / unit.octets) return BadSize(text);
    return number * unit.octets;
  }
  return BadSize(text);
}

std::string SizeText(uint64_t octets) {
  for (const SizeUnit& unit : kSizeUnits) {
    if (unit.octets > 1 && octets >= unit.octets && octets % unit.octets == 0) {
      return absl::StrCat(octets / unit.octets, Av(unit.name));
    }
    if (unit.octets == 1) break;  // binary units only
  }
  return absl::StrCat(octets);
}

}  // namespace mailmesh::base
