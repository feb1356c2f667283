// Conversion to 7 bits: the same at any split, and not much larger than what came.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/mime/seven_bit.h"

namespace {

std::string Convert(const mailmesh::mime::SevenBitScanner& scanner, std::string_view message, size_t step) {
  mailmesh::mime::SevenBitConverter converter(scanner);
  std::string out;
  while (!message.empty()) {
    converter.Append(message.substr(0, step), &out);
    message.remove_prefix(std::min(step, message.size()));
  }
  converter.Finish(&out);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const size_t step = data[0] + size_t{1};
  const std::string_view message(reinterpret_cast<const char*>(data + 1), size - 1);
  const mailmesh::mime::Structure structure = mailmesh::mime::ParseStructure(message);
  mailmesh::mime::SevenBitScanner whole(structure);
  whole.Append(message);
  mailmesh::mime::SevenBitScanner pieces(structure);
  for (std::string_view rest = message; !rest.empty(); rest.remove_prefix(std::min(step, rest.size()))) pieces.Append(rest.substr(0, step));
  if (whole.has_eight_bit() != pieces.has_eight_bit() || whole.convertible() != pieces.convertible()) abort();
  if (!whole.has_eight_bit() || !whole.convertible()) return 0;
  const std::string converted = Convert(whole, message, message.size());
  if (converted != Convert(pieces, message, step)) abort();
  if (converted.size() > 4 * message.size() + 100'000) abort();
  return 0;
}
