// The scanner of streams and the reader of blocks agree; fields give the block back.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/mime/envelope.h"
#include "common/mime/header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mailmesh::mime;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  HeaderScanner scanner;
  for (const char c : text) scanner.Feed(std::string_view(&c, 1));
  HeaderReader reader(text);
  HeaderField field;
  size_t octets = 0;
  while (reader.Next(&field)) {
    if (field.raw != text.substr(octets, field.raw.size())) std::abort();
    octets += field.raw.size();
    HeaderText(field.value);
  }
  if (scanner.header_ended() != reader.ended() || scanner.header_size() != reader.offset()) std::abort();
  ParseEnvelope(text);
  return 0;
}
