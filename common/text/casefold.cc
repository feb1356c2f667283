#include "common/text/casefold.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstdint>

#include "common/base/utf8.h"
#include "common/text/ascii.h"

namespace mailmesh::text {
namespace {

UChar32 Decode(std::string_view utf8) {
  UChar32 c = 0;
  int32_t i = 0;
  U8_NEXT(utf8.data(), i, static_cast<int32_t>(utf8.size()), c);
  return c;
}

void AppendUtf8(UChar32 c, std::string* out) {
  char buffer[U8_MAX_LENGTH];
  int32_t size = 0;
  U8_APPEND_UNSAFE(buffer, size, c);
  out->append(buffer, static_cast<size_t>(size));
}

}  // namespace

void AppendFolded(std::string_view utf8, std::string* out) {
  size_t pos = 0;
  while (pos < utf8.size()) {
    const char c = utf8[pos];
    if (static_cast<uint8_t>(c) < 0x80) {
      *out += LowerAscii(c);
      ++pos;
      continue;
    }
    const size_t length = base::Utf8SequenceLength(utf8, pos);
    if (length == 0) {
      *out += c;
      ++pos;
      continue;
    }
    AppendUtf8(u_foldCase(Decode(utf8.substr(pos, length)), U_FOLD_CASE_DEFAULT), out);
    pos += length;
  }
}

std::string FoldCase(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  AppendFolded(utf8, &out);
  return out;
}

}  // namespace mailmesh::text
