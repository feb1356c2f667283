// Octets survive encoding, and decoding does not depend on the pieces.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/mime/transfer_encoding.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mailmesh::mime;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (DecodeTransfer(TransferEncoding::kBase64, EncodeBase64Lines(text)) != text) std::abort();
  if (DecodeTransfer(TransferEncoding::kQuotedPrintable, EncodeQuotedPrintable(text)) != text) std::abort();
  for (const auto encoding : {TransferEncoding::kBase64, TransferEncoding::kQuotedPrintable}) {
    TransferDecoder decoder(encoding);
    std::string out;
    for (const char c : text) decoder.Append(std::string_view(&c, 1), &out);
    decoder.Finish(&out);
    if (out != DecodeTransfer(encoding, text)) std::abort();
  }
  return 0;
}
