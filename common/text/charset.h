// Octets of a named charset to UTF-8, in pieces. Bad input becomes U+FFFD.
//
// US-ASCII and UTF-8 are done here (US-ASCII is read as UTF-8: much mail without a label is), all others by ICU.
// Thread-safety: a decoder belongs to one thread. Bounded: output is at most a small factor of the input (each octet gives
// at most three of UTF-8 but in charsets with composed characters), nothing but a partial character is kept.
// RFC 2978 (names); RFC 2045, 5.1.
#ifndef MAILMESH_COMMON_TEXT_CHARSET_H_
#define MAILMESH_COMMON_TEXT_CHARSET_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/text/utf8_repair.h"

namespace mailmesh::text {

// What to name to a client whose charset is not known: those that mail is written in, far from all that are.
inline constexpr std::string_view kCommonCharsets[] = {
    "UTF-8",        "US-ASCII",     "ISO-8859-1",   "ISO-8859-2",   "ISO-8859-5",  "ISO-8859-7", "ISO-8859-15",
    "windows-1250", "windows-1251", "windows-1252", "windows-1256", "KOI8-R",      "KOI8-U",     "UTF-7",
    "ISO-2022-JP",  "Shift_JIS",    "EUC-JP",       "EUC-KR",       "GB18030",     "Big5"};

class CharsetDecoder {
 public:
  // Nothing for a charset that nobody here knows. Names in any case; an empty one is US-ASCII.
  static std::optional<CharsetDecoder> Open(std::string_view charset);
  // Reads as UTF-8, for when Open() has nothing.
  static CharsetDecoder Utf8();

  CharsetDecoder(CharsetDecoder&&) noexcept;
  CharsetDecoder& operator=(CharsetDecoder&&) noexcept;
  ~CharsetDecoder();

  // Appends well-formed UTF-8 of whole characters.
  void Append(std::string_view octets, std::string* out);
  // The end of the text; afterwards the decoder may begin anew.
  void Finish(std::string* out);

 private:
  struct Icu;
  CharsetDecoder();

  Utf8Repairer utf8_;
  std::unique_ptr<Icu> icu_;  // null: UTF-8
};

bool IsKnownCharset(std::string_view charset);
// Nothing for an unknown charset.
std::optional<std::string> DecodeCharset(std::string_view charset, std::string_view octets);

}  // namespace mailmesh::text

#endif  // MAILMESH_COMMON_TEXT_CHARSET_H_
