// ASCII case, whatever the locale. Thread-safe.
#ifndef MAILMESH_COMMON_TEXT_ASCII_H_
#define MAILMESH_COMMON_TEXT_ASCII_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace mailmesh::text {

constexpr char LowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

constexpr bool EqualsIgnoreAsciiCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && LowerAscii(a[i]) != LowerAscii(b[i])) return false;
  }
  return true;
}

constexpr bool StartsWithIgnoreAsciiCase(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && EqualsIgnoreAsciiCase(text.substr(0, prefix.size()), prefix);
}

inline std::string LowerAscii(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = LowerAscii(c);
  return out;
}

}  // namespace mailmesh::text

#endif  // MAILMESH_COMMON_TEXT_ASCII_H_
