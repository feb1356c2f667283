// Octets: fixed-width big-endian integers (which sort like their numbers), hexadecimal, base64.
#ifndef MAILMESH_COMMON_BASE_BYTES_H_
#define MAILMESH_COMMON_BASE_BYTES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace mailmesh::base {

// Appends the integer in sizeof(T) octets, most significant first.
template <class T>
void AppendBigEndian(std::string& out, T value) {
  static_assert(std::is_unsigned_v<T>);
  char octets[sizeof(T)];
  for (size_t i = 0; i < sizeof(T); ++i) {
    octets[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
  }
  out.append(octets, sizeof(T));
}

// Takes sizeof(T) octets from the front of `in`; nothing is taken when there are fewer.
template <class T>
std::optional<T> TakeBigEndian(std::string_view& in) {
  static_assert(std::is_unsigned_v<T>);
  if (in.size() < sizeof(T)) return std::nullopt;
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value << 8) | static_cast<uint8_t>(in[i]);
  in.remove_prefix(sizeof(T));
  return value;
}

// The value of a hexadecimal digit of either case; -1: it is none.
constexpr int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
// Lower-case hexadecimal.
std::string HexEncode(std::string_view octets);
// Accepts either case; nothing for an odd length or another character.
std::optional<std::string> HexDecode(std::string_view text);
// As in parameters of MIME fields (RFC 2231, 4) and in URIs: each "%" with two hexadecimal digits is an octet; what is none stays as it is.
std::string PercentDecode(std::string_view text);

// RFC 4648, 4: with padding, without line breaks.
std::string Base64Encode(std::string_view octets);
// RFC 4648, 4, strictly: padding is needed, and no other character, no line break and no stray bits are taken.
// A result of up to 3/4 of the input; bound the input first.
std::optional<std::string> Base64Decode(std::string_view text);

// Compares without telling by its time where the difference is; lengths are not hidden.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

// Text for a log line or a terminal: printable ASCII and well-formed UTF-8 stay, control characters and broken octets
// become \n, \r, \t or \xNN, and what exceeds `limit` octets of input is cut with a note of how much.
std::string Printable(std::string_view octets, size_t limit = 256);

}  // namespace mailmesh::base

#endif  // MAILMESH_COMMON_BASE_BYTES_H_
