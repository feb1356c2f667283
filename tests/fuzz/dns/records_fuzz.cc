// Record data that strangers' name servers send: a name that is taken is one that a host can have, within the limits of RFC 1035, and
// is what stood there.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "common/dns/records.h"

using namespace mailmesh;
using namespace mailmesh::dns;

namespace {

void CheckName(std::string_view octets, const std::string& name) {
  if (name.size() > 253) std::abort();
  std::string wire;
  const std::vector<std::string> labels = absl::StrSplit(name, '.', absl::SkipEmpty());
  for (const std::string& label : labels) {
    wire += static_cast<char>(label.size());
    wire += label;
  }
  wire += '\0';
  if (wire.size() > 255 || wire != absl::AsciiStrToLower(std::string(octets))) std::abort();
}

void CheckAddress(const net::IpAddress& address) {
  if (net::IpAddress::Parse(address.ToString()).value() != address || address.ToReverseName().size() > 253) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  if (const auto name = ParseWireName(octets)) CheckName(octets, *name);
  if (const auto mx = ParseMx(octets)) {
    CheckName(octets.substr(2), mx->exchange);
    if (mx->preference != data[0] * 256 + data[1]) std::abort();
  }
  if (const auto address = ParseA(octets)) CheckAddress(*address);
  if (const auto address = ParseAaaa(octets)) CheckAddress(*address);
  if (const auto tlsa = ParseTlsa(octets); tlsa && tlsa->data.size() + 3 != size) std::abort();
  if (const auto text = ParseTxt(octets); text && text->size() > size) std::abort();
  return 0;
}
