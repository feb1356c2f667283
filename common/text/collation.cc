#include "common/text/collation.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <cstdint>

#include "common/base/utf8.h"

namespace mailmesh::text {
namespace {

// The longest decomposition of Unicode has 18 UTF-16 units.
constexpr int32_t kMaxDecomposition = 32;

constexpr char UpperAscii(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; }

void AppendUtf8(UChar32 c, std::string* out) {
  char buffer[U8_MAX_LENGTH];
  int32_t size = 0;
  U8_APPEND_UNSAFE(buffer, size, c);
  out->append(buffer, static_cast<size_t>(size));
}

const UNormalizer2* Decomposer() {
  static const UNormalizer2* const instance = [] {
    UErrorCode error = U_ZERO_ERROR;
    return unorm2_getNFKDInstance(&error);
  }();
  return instance;
}

// RFC 5051, 2 (2): the title case of the character, then its decomposition, to the end.
void AppendCharacter(UChar32 c, std::string* out) {
  const UChar32 title = u_totitle(c);
  UChar parts[kMaxDecomposition];
  UErrorCode error = U_ZERO_ERROR;
  const int32_t size =
      Decomposer() == nullptr ? -1 : unorm2_getDecomposition(Decomposer(), title, parts, kMaxDecomposition, &error);
  if (size < 0 || U_FAILURE(error)) {
    AppendUtf8(title, out);
    return;
  }
  for (int32_t i = 0; i < size;) {
    UChar32 part = 0;
    U16_NEXT(parts, i, size, part);
    AppendUtf8(part, out);
  }
}

}  // namespace

void AppendCollationKey(std::string_view utf8, std::string* out) {
  size_t pos = 0;
  while (pos < utf8.size()) {
    if (static_cast<uint8_t>(utf8[pos]) < 0x80) {
      *out += UpperAscii(utf8[pos++]);
      continue;
    }
    const size_t length = base::Utf8SequenceLength(utf8, pos);
    if (length == 0) {
      *out += utf8[pos++];
      continue;
    }
    UChar32 c = 0;
    int32_t at = static_cast<int32_t>(pos);
    U8_NEXT(utf8.data(), at, static_cast<int32_t>(utf8.size()), c);
    AppendCharacter(c, out);
    pos += length;
  }
}

std::string CollationKey(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  AppendCollationKey(utf8, &out);
  return out;
}

}  // namespace mailmesh::text
