#include "common/text/utf8_repair.h"

#include <cstdint>
#include <cstring>

#include "common/base/utf8.h"

namespace mailmesh::text {
namespace {

// Length of the ASCII run at the front, eight octets at a time.
size_t AsciiPrefix(std::string_view text) {
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    if ((word & 0x8080808080808080u) != 0) break;
  }
  while (i < text.size() && static_cast<uint8_t>(text[i]) < 0x80) ++i;
  return i;
}

// Whether more octets could make a character of this tail (of fewer than four octets).
bool MayContinue(std::string_view tail) {
  const uint8_t first = static_cast<uint8_t>(tail[0]);
  const size_t wanted = first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (first > 0xf4 || tail.size() >= wanted) return false;
  // The second octet decides about overlong forms and surrogates: complete the sequence and ask.
  for (const char filler : {'\x80', '\xbf'}) {
    std::string whole(tail);
    whole.append(wanted - tail.size(), filler);
    if (base::Utf8SequenceLength(whole, 0) == wanted) return true;
  }
  return false;
}

// Appends what is complete; returns how many octets at the end wait.
size_t AppendRepaired(std::string_view text, std::string* out) {
  while (!text.empty()) {
    const size_t ascii = AsciiPrefix(text);
    out->append(text.substr(0, ascii));
    text.remove_prefix(ascii);
    if (text.empty()) break;
    const size_t length = base::Utf8SequenceLength(text, 0);
    if (length > 0) {
      out->append(text.substr(0, length));
      text.remove_prefix(length);
      continue;
    }
    if (text.size() < 4 && MayContinue(text)) return text.size();
    out->append(kReplacementCharacter);
    text.remove_prefix(1);
  }
  return 0;
}

}  // namespace

void Utf8Repairer::Append(std::string_view octets, std::string* out) {
  // At most three octets wait, and four make a character: a few steps here and the rest goes by without a copy.
  while (!carry_.empty() && !octets.empty()) {
    carry_ += octets.front();
    octets.remove_prefix(1);
    const size_t waiting = AppendRepaired(carry_, out);
    carry_.erase(0, carry_.size() - waiting);
  }
  if (octets.empty()) return;
  const size_t waiting = AppendRepaired(octets, out);
  carry_.assign(octets.substr(octets.size() - waiting));
}

void Utf8Repairer::Finish(std::string* out) {
  for (size_t i = 0; i < carry_.size(); ++i) out->append(kReplacementCharacter);
  carry_.clear();
}

std::string RepairUtf8(std::string_view octets) {
  std::string out;
  out.reserve(octets.size());
  Utf8Repairer repairer;
  repairer.Append(octets, &out);
  repairer.Finish(&out);
  return out;
}

bool IsValidUtf8(std::string_view octets) {
  size_t pos = 0;
  while ((pos += AsciiPrefix(octets.substr(pos))) < octets.size()) {
    const size_t length = base::Utf8SequenceLength(octets, pos);
    if (length == 0) return false;
    pos += length;
  }
  return true;
}

bool IsAscii(std::string_view octets) { return AsciiPrefix(octets) == octets.size(); }

}  // namespace mailmesh::text
