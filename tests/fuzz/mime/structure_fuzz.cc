// A message in two pieces has the structure it has as a whole; parts lie inside the message; search reads all of it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/mime/search_text.h"
#include "common/mime/structure.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mailmesh::mime;
  if (size < 2) return 0;
  const std::string_view message(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t split = (data[0] << 8 | data[1]) % (message.size() + 1);
  const Structure whole = ParseStructure(message);
  StructureParser parser;
  parser.Feed(message.substr(0, split));
  parser.Feed(message.substr(split));
  const Structure pieces = std::move(parser).Finish();
  if (pieces.parts.size() != whole.parts.size() || whole.size != message.size()) std::abort();
  for (size_t i = 0; i < whole.parts.size(); ++i) {
    const Part& a = whole.parts[i];
    const Part& b = pieces.parts[i];
    if (a.header_offset != b.header_offset || a.body_offset != b.body_offset || a.body_size != b.body_size) std::abort();
    if (a.header_offset + a.header_size != a.body_offset || a.body_offset + a.body_size > message.size()) std::abort();
    if (a.parent != kNoPart && a.header_offset < whole.parts[a.parent].body_offset) std::abort();
  }
  MessageContains(message, whole, {}, "needle");
  return 0;
}
