// The announcement of a literal at the end of a line: "{5}", "{5+}", "~{5}".
// RFC 3501, 4.3; RFC 7888 (the plus); RFC 3516 and RFC 4466 (literal8); RFC 9051 (63-bit sizes).
#ifndef MAILMESH_COMMON_IMAP_LITERAL_H_
#define MAILMESH_COMMON_IMAP_LITERAL_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mailmesh::imap {

struct LiteralHeader {
  uint64_t size = 0;
  bool synchronizing = true;  // the client waits for "+" before it sends the octets
  bool binary = false;        // literal8
  bool operator==(const LiteralHeader&) const = default;
};

// Longer than any announcement whose size fits: "~{9223372036854775807+}".
inline constexpr size_t kMaxLiteralHeaderSize = 24;

enum class LiteralScan : uint8_t {
  kNone,      // the line does not end in one
  kFound,
  kOverflow,  // it does, and its size is beyond 63 bits
};

// Looks at the end of a line (without CRLF). With kFound, `header_size` is how many octets of the line it takes; with
// kOverflow, only `synchronizing` and `binary` are right.
LiteralScan ScanLiteralHeader(std::string_view line, LiteralHeader* header, size_t* header_size);

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_LITERAL_H_
