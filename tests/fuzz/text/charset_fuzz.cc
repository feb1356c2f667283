// Whatever the charset and the octets: well-formed UTF-8 of bounded size, and the same in one piece and in two.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/text/charset.h"
#include "common/text/utf8_repair.h"

using namespace mailmesh::text;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static constexpr std::array<std::string_view, 16> kCharsets = {
      "us-ascii",  "utf-8",      "iso-8859-1", "windows-1252", "iso-2022-jp", "shift_jis", "euc-jp",     "gb18030",
      "big5",      "euc-kr",     "koi8-r",     "utf-7",        "utf-16",      "utf-32be",  "iso-2022-kr", "hz-gb-2312"};
  if (size < 2) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string_view charset = kCharsets[data[0] % kCharsets.size()];
  auto decoder = CharsetDecoder::Open(charset);
  auto pieces = CharsetDecoder::Open(charset);
  if (!decoder) return 0;
  std::string whole;
  decoder->Append(octets, &whole);
  decoder->Finish(&whole);
  std::string joined;
  const size_t split = std::min<size_t>(data[1], octets.size());
  pieces->Append(octets.substr(0, split), &joined);
  if (!IsValidUtf8(joined)) std::abort();
  pieces->Append(octets.substr(split), &joined);
  pieces->Finish(&joined);
  if (whole != joined || !IsValidUtf8(whole) || whole.size() > 16 * octets.size() + 16) std::abort();
  // And a name that nobody chose.
  static_cast<void>(DecodeCharset(octets.substr(0, split), octets));
  return 0;
}
