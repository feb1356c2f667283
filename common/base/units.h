// Durations and sizes as people write them in configuration files and on command lines.
#ifndef MAILMESH_COMMON_BASE_UNITS_H_
#define MAILMESH_COMMON_BASE_UNITS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace mailmesh::base {

// "5m", "1h30m", "250ms", "7d", "0": a sequence of a number and a unit (ns us ms s m h d); finite and not negative.
// A bare number other than 0 is refused, for nobody can tell what it counts.
absl::StatusOr<absl::Duration> ParseDuration(std::string_view text);
// The shortest text that ParseDuration reads back: "1h30m", "250ms", "7d", "0s".
std::string DurationText(absl::Duration duration);

// "1048576", "10MiB", "64KiB", "2GB", "512B": decimal (kB MB GB TB) and binary (KiB MiB GiB TiB) multiples.
absl::StatusOr<uint64_t> ParseSize(std::string_view text);
// The greatest binary unit that divides it: "10MiB", "1000".
std::string SizeText(uint64_t octets);

}  // namespace mailmesh::base

#endif  // MAILMESH_COMMON_BASE_UNITS_H_
