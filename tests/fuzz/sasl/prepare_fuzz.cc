// SASLprep: what is taken is UTF-8 without a NUL, and preparing it again changes nothing.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/sasl/prepare.h"
#include "common/text/utf8_repair.h"

using namespace mailmesh;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view password(reinterpret_cast<const char*>(data), size);
  const auto prepared = sasl::PreparePassword(password);
  if (!prepared.ok()) {
    if (!absl::IsInvalidArgument(prepared.status())) std::abort();
    return 0;
  }
  const std::string_view text = prepared->Reveal();
  if (text.empty() || !text::IsValidUtf8(text) || text.find('\0') != text.npos) std::abort();
  const auto again = sasl::PreparePassword(text);
  if (again.ok() && again->Reveal() != text) std::abort();
  return 0;
}
