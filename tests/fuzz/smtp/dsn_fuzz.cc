// The parameters of notifications: what is read is written and read as the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/smtp/dsn.h"

using namespace mailmesh::smtp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (DecodeXtext(EncodeXtext(text)) != text) std::abort();
  if (const auto decoded = DecodeXtext(text); decoded && DecodeXtext(EncodeXtext(*decoded)) != decoded) std::abort();
  if (const auto notify = ParseNotify(text); notify && ParseNotify(ToString(*notify)) != notify) std::abort();
  if (const auto ret = ParseRet(text); ret && ParseRet(ToString(*ret)) != ret) std::abort();
  for (const bool utf8 : {false, true}) {
    const auto orcpt = ParseOrcpt(text, utf8);
    if (!orcpt) continue;
    const std::string written = FormatOrcpt(*orcpt, utf8);
    if (written.find_first_of("\r\n \t") != std::string::npos) std::abort();
    // Another writing of the same octets may be too long, which is the one reason to be refused.
    const auto again = ParseOrcpt(written, utf8);
    if (written.size() <= kMaxOrcpt && again != orcpt) std::abort();
  }
  ParseEnvid(text);
  return 0;
}
