// Character classes of IMAP's grammar, by table. Internal to common/imap.
// RFC 3501, 9 (atom-specials, list-char, ASTRING-CHAR, tag).
#ifndef MAILMESH_COMMON_IMAP_CHARS_H_
#define MAILMESH_COMMON_IMAP_CHARS_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace mailmesh::imap::internal {

inline constexpr uint8_t kAtomChar = 1;
inline constexpr uint8_t kAStringChar = 2;  // atom or "]"
inline constexpr uint8_t kListChar = 4;     // astring or wildcard
inline constexpr uint8_t kTagChar = 8;      // astring without "+"
inline constexpr uint8_t kDigit = 16;
inline constexpr uint8_t kQuotedPlain = 32;  // stands for itself in a quoted string

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> table{};
  for (int c = 1; c < 256; ++c) {
    uint8_t bits = 0;
    const bool control = c < 0x20 || c == 0x7f;
    const bool special = c == '(' || c == ')' || c == '{' || c == ' ' || c == '"' || c == '\\';
    const bool wildcard = c == '%' || c == '*';
    if (!control && c < 0x80 && !special) {
      bits |= kListChar;
      if (!wildcard) {
        bits |= kAStringChar;
        if (c != ']') bits |= kAtomChar;
        if (c != '+') bits |= kTagChar;
      }
    }
    if (c >= '0' && c <= '9') bits |= kDigit;
    // 8-bit octets are taken: passwords and search texts come so from clients (as Dovecot).
    if (c != '"' && c != '\\' && c != '\r' && c != '\n') bits |= kQuotedPlain;
    table[static_cast<size_t>(c)] = bits;
  }
  return table;
}
inline constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

inline bool Is(char c, uint8_t classes) { return (kClasses[static_cast<uint8_t>(c)] & classes) != 0; }
inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }

inline char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

inline std::string ToUpper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = Upper(c);
  return upper;
}

// `name` must be in capitals.
inline bool EqualsUpper(std::string_view text, std::string_view name) {
  if (text.size() != name.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (Upper(text[i]) != name[i]) return false;
  }
  return true;
}

inline bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (Upper(a[i]) != Upper(b[i])) return false;
  }
  return true;
}

// Appends a number in decimal.
void AppendNumber(std::string& out, uint64_t number);

}  // namespace mailmesh::imap::internal

#endif  // MAILMESH_COMMON_IMAP_CHARS_H_
