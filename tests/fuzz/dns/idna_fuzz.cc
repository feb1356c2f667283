// Names of hosts: what is taken can be asked in the DNS, within its limits, and is its own spelling.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/dns/idna.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mailmesh::dns;
  const auto name = ToAsciiName(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!name.ok()) {
    if (!absl::IsInvalidArgument(name.status())) std::abort();
    return 0;
  }
  if (name->empty() || name->size() > 253 || name->back() == '.') std::abort();
  for (const char c : *name) {
    const bool known = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!known) std::abort();
  }
  const auto again = ToAsciiName(*name);
  if (!again.ok() || *again != *name) std::abort();
  return 0;
}
