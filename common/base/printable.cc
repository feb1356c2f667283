#include <algorithm>
#include <cstdint>
#include <string>

#include "common/base/bytes.h"
#include "common/base/utf8.h"

namespace mailmesh::base {
namespace {

void AppendEscaped(char c, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\x";
      out += kHex[static_cast<uint8_t>(c) >> 4];
      out += kHex[static_cast<uint8_t>(c) & 15];
  }
}

// U+0080 to U+009F steer terminals as ESC does; U+2028 to U+202E break lines or turn the text around.
bool IsControl(std::string_view sequence) {
  const auto octet = [&](size_t i) { return static_cast<uint8_t>(sequence[i]); };
  if (sequence.size() == 1) return octet(0) < 0x20 || octet(0) == 0x7f;
  if (sequence.size() == 2) return octet(0) == 0xc2 && octet(1) < 0xa0;
  if (sequence.size() == 3) return octet(0) == 0xe2 && octet(1) == 0x80 && octet(2) >= 0xa8 && octet(2) <= 0xae;
  return false;
}

}  // namespace

size_t Utf8SequenceLength(std::string_view text, size_t pos) {
  const auto octet = [&](size_t i) -> uint8_t { return pos + i < text.size() ? text[pos + i] : 0; };
  const auto tail = [&](size_t i) { return (octet(i) & 0xc0) == 0x80; };
  const uint8_t first = octet(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!tail(1) || !tail(2)) return 0;
    if (first == 0xe0 && octet(1) < 0xa0) return 0;
    if (first == 0xed && octet(1) > 0x9f) return 0;
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (first == 0xf0 && octet(1) < 0x90) return 0;
    if (first == 0xf4 && octet(1) > 0x8f) return 0;
    return 4;
  }
  return 0;
}

std::string Printable(std::string_view octets, size_t limit) {
  std::string out;
  out.reserve(std::min(octets.size(), limit) + 16);
  size_t pos = 0;
  while (pos < octets.size()) {
    const size_t length = Utf8SequenceLength(octets, pos);
    const size_t step = length == 0 ? 1 : length;
    if (pos + step > limit) break;
    const std::string_view sequence = octets.substr(pos, step);
    if (length == 0 || IsControl(sequence)) {
      for (const char c : sequence) AppendEscaped(c, out);
    } else {
      out += sequence;
    }
    pos += step;
  }
  if (pos < octets.size()) out += "...(" + std::to_string(octets.size() - pos) + " more)";
  return out;
}

}  // namespace mailmesh::base
