// Ranges of addresses: one that was read is written and read again as the same, and has in it the address that it was written with.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/net/cidr.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mailmesh::net;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto address = IpAddress::Parse(text); address.ok()) {
    if (IpAddress::Parse(address->ToString()).value() != *address) std::abort();
  }
  const auto range = Cidr::Parse(text);
  if (!range.ok()) {
    if (!absl::IsInvalidArgument(range.status())) std::abort();
    return 0;
  }
  const std::string written = range->ToString();
  const auto again = Cidr::Parse(written);
  if (!again.ok() || again->ToString() != written || again->is_everything() != range->is_everything()) std::abort();
  const IpAddress base = IpAddress::Parse(text.substr(0, text.find('/'))).value();
  if (!range->Contains(base) || !again->Contains(base)) std::abort();
  // Nothing of the other family, not even in the range of everything.
  if (range->Contains(base.is_v4() ? IpAddress::Parse("2001:db8::1").value() : IpAddress::LoopbackV4())) std::abort();
  return 0;
}
