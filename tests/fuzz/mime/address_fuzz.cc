// Any list parses within its limits, and what it gives can be written.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/mime/address.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mailmesh::mime;
  AddressOptions options;
  options.max_addresses = size > 0 ? data[0] : 0;
  const AddressList list = ParseAddressList(std::string_view(reinterpret_cast<const char*>(data), size), options);
  if (list.addresses.size() > options.max_addresses + 1) std::abort();
  for (const Address& address : list.addresses) {
    const std::string text = FormatAddrSpec(address);
    if (text.find('\n') != std::string::npos || text.find('\0') != std::string::npos) std::abort();
  }
  return 0;
}
