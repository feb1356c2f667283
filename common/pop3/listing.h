// Lines of LIST, UIDL and the answer to STAT, both ways. Thread-safe free functions; numbers are read strictly.
// RFC 1939, 5 and 7.
#ifndef MAILMESH_COMMON_POP3_LISTING_H_
#define MAILMESH_COMMON_POP3_LISTING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/pop3/command.h"

namespace mailmesh::pop3 {

inline constexpr size_t kMaxUniqueId = 70;  // RFC 1939, 7 UIDL: 1 to 70 characters, 0x21 to 0x7E

struct ScanListing {
  MessageNumber number = 0;
  uint64_t size = 0;
  bool operator==(const ScanListing&) const = default;
};
struct UniqueIdListing {
  MessageNumber number = 0;
  std::string_view unique_id;  // points into the line
};
struct DropListing {
  uint32_t count = 0;
  uint64_t size = 0;
  bool operator==(const DropListing&) const = default;
};

// "1 120"; RFC 1939, 5 lets more follow behind a space, and so do we.
std::optional<ScanListing> ParseScanListing(std::string_view line);
// Lenient as to length: servers exist that go past 70; at most `max_length` octets.
std::optional<UniqueIdListing> ParseUniqueIdListing(std::string_view line, size_t max_length = 255);
// The text of the reply to STAT.
std::optional<DropListing> ParseDropListing(std::string_view text);

// With CRLF.
void AppendScanListing(MessageNumber number, uint64_t size, std::string& out);
void AppendUniqueIdListing(MessageNumber number, std::string_view unique_id, std::string& out);

}  // namespace mailmesh::pop3

#endif  // MAILMESH_COMMON_POP3_LISTING_H_
