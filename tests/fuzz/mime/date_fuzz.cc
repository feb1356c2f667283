// A date that was read is written and read again as the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/mime/date.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mailmesh::mime;
  const auto time = ParseDateTime(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!time || time->LocalDay() < DaysFromCivil(1000, 1, 1) || time->LocalDay() > DaysFromCivil(9999, 1, 1)) return 0;
  const auto again = ParseDateTime(FormatDateTime(*time));
  if (!again || again->unix_seconds != time->unix_seconds) std::abort();
  return 0;
}
