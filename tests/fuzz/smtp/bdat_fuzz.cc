// Chunks: however the octets are split, the reader takes exactly the chunk, keeps it, and sees the same stray line ends.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/smtp/bdat_reader.h"

using namespace mailmesh::smtp;

namespace {

// Chunks of `chunk` octets, handed over in pieces.
std::string Run(std::string_view input, size_t chunk, size_t piece, BdatReader& reader) {
  std::string content;
  while (!input.empty()) {
    const size_t octets = std::min(chunk, input.size());
    reader.BeginChunk(octets);
    std::string_view rest = input.substr(0, octets);
    while (!reader.chunk_done()) {
      const size_t taken = reader.Decode(rest.substr(0, piece), content);
      if (taken == 0 || taken > piece) std::abort();
      rest.remove_prefix(taken);
    }
    if (!rest.empty() || reader.Decode(input, content) != 0) std::abort();
    input.remove_prefix(octets);
  }
  reader.Finish();
  return content;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  BdatReader whole;
  BdatReader pieces;
  const std::string content = Run(input, size, size, whole);
  if (content != input || whole.size() != input.size()) std::abort();
  if (Run(input, data[0] + 1u, data[1] + 1u, pieces) != content) std::abort();
  if (whole.bare_lf() != pieces.bare_lf() || whole.bare_cr() != pieces.bare_cr()) std::abort();
  return 0;
}
