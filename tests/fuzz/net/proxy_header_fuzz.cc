// A PROXY header from whoever passes for a load balancer: the same outcome whole and in pieces, nothing taken behind its end, and never
// a client that this machine would trust.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/net/proxy_header.h"

using namespace mailmesh::net;

namespace {

size_t Feed(ProxyHeaderParser& parser, std::string_view input, size_t piece) {
  size_t taken = 0;
  while (taken < input.size()) {
    const std::string_view part = input.substr(taken, piece);
    const size_t of_part = parser.Feed(part);
    taken += of_part;
    if (of_part < part.size()) break;
  }
  return taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  ProxyHeaderParser whole;
  ProxyHeaderParser cut;
  if (Feed(whole, input, input.size()) != Feed(cut, input, 1 + data[0] % 16)) std::abort();
  if (whole.done() != cut.done() || whole.fault() != cut.fault()) std::abort();
  if (whole.done() && whole.fault().has_value()) std::abort();
  if (!whole.done()) return 0;
  const ProxyHeader& header = whole.header();
  if (header.local != cut.header().local || header.source != cut.header().source) std::abort();
  if (!header.local && (header.source.is_local() || header.source.ip().is_unspecified())) std::abort();
  return 0;
}
