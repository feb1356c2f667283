#include "common/imap/utf8.h"

#include <cstddef>

namespace mailmesh::imap::internal {

uint32_t TakeUtf8(std::string_view* text) {
  const auto at = [text](size_t i) { return static_cast<uint8_t>((*text)[i]); };
  const uint8_t lead = at(0);
  size_t size = 1;
  uint32_t character = lead;
  uint32_t smallest = 0;
  if (lead >= 0xc2 && lead <= 0xdf) {
    size = 2, character = lead & 0x1f, smallest = 0x80;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    size = 3, character = lead & 0x0f, smallest = 0x800;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    size = 4, character = lead & 0x07, smallest = 0x10000;
  } else if (lead >= 0x80) {
    character = kBadCharacter;
  }
  if (character == kBadCharacter || text->size() < size) {
    text->remove_prefix(1);
    return kBadCharacter;
  }
  for (size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) {
      text->remove_prefix(1);
      return kBadCharacter;
    }
    character = character << 6 | (at(i) & 0x3f);
  }
  if (character < smallest || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff)) {
    text->remove_prefix(1);
    return kBadCharacter;
  }
  text->remove_prefix(size);
  return character;
}

void AppendUtf8(std::string& out, uint32_t character) {
  const auto put = [&out](uint32_t octet) { out.push_back(static_cast<char>(octet)); };
  if (character < 0x80) {
    put(character);
  } else if (character < 0x800) {
    put(0xc0 | character >> 6), put(0x80 | (character & 0x3f));
  } else if (character < 0x10000) {
    put(0xe0 | character >> 12), put(0x80 | (character >> 6 & 0x3f)), put(0x80 | (character & 0x3f));
  } else {
    put(0xf0 | character >> 18), put(0x80 | (character >> 12 & 0x3f)), put(0x80 | (character >> 6 & 0x3f)),
        put(0x80 | (character & 0x3f));
  }
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    if (TakeUtf8(&text) == kBadCharacter) return false;
  }
  return true;
}

}  // namespace mailmesh::imap::internal
