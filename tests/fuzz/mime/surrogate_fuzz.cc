// A surrogate is ASCII, and needs no other.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/mime/header.h"
#include "common/mime/surrogate.h"
#include "common/text/utf8_repair.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mailmesh;
  std::string_view header(reinterpret_cast<const char*>(data), size);
  header = header.substr(0, mime::FindHeaderEnd(header));
  const std::string surrogate = mime::SurrogateHeader(header);
  if (mime::NeedsSurrogate(surrogate)) std::abort();
  if (mime::NeedsSurrogate(header) && !text::IsAscii(surrogate)) std::abort();
  return 0;
}
