// Makes well-formed UTF-8 of any octets: what is not becomes U+FFFD.
//
// Thread-safety: a repairer belongs to one thread. Keeps at most 3 octets between calls; output is at most three times the
// input.
// RFC 3629; Unicode 15, 3.9 (one U+FFFD for each octet that belongs to no sequence).
#ifndef MAILMESH_COMMON_TEXT_UTF8_REPAIR_H_
#define MAILMESH_COMMON_TEXT_UTF8_REPAIR_H_

#include <string>
#include <string_view>

namespace mailmesh::text {

inline constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";

class Utf8Repairer {
 public:
  // Appends whole characters only; the beginning of one at the end of `octets` waits for the next call.
  void Append(std::string_view octets, std::string* out);
  // What still waits is bad input now.
  void Finish(std::string* out);

 private:
  std::string carry_;
};

std::string RepairUtf8(std::string_view octets);
bool IsValidUtf8(std::string_view octets);
bool IsAscii(std::string_view octets);

}  // namespace mailmesh::text

#endif  // MAILMESH_COMMON_TEXT_UTF8_REPAIR_H_
