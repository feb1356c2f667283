// Endpoints: one that was read is written and read again as the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/net/endpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mailmesh::net;
  const auto endpoint = Endpoint::Parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!endpoint.ok()) {
    if (!absl::IsInvalidArgument(endpoint.status())) std::abort();
    return 0;
  }
  if (endpoint->is_unix() == endpoint->path().empty() || endpoint->is_unix() != endpoint->host().empty()) std::abort();
  const auto again = Endpoint::Parse(endpoint->ToString());
  if (!again.ok() || *again != *endpoint || again->ip() != endpoint->ip()) std::abort();
  return 0;
}
