// Enhanced mail system status codes: class.subject.detail. RFC 3463, 2; RFC 2034, 4. Thread-safe values.
#ifndef MAILMESH_COMMON_SMTP_ENHANCED_STATUS_H_
#define MAILMESH_COMMON_SMTP_ENHANCED_STATUS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailmesh::smtp {

struct EnhancedStatus {
  uint16_t klass = 0;    // 2, 4 or 5; 0: there is none
  uint16_t subject = 0;  // 0 to 999
  uint16_t detail = 0;   // 0 to 999

  constexpr bool has_value() const { return klass != 0; }
  bool operator==(const EnhancedStatus&) const = default;
};

// "5.1.1"; nothing for none.
std::string ToString(EnhancedStatus status);

// The whole of `text`.
std::optional<EnhancedStatus> ParseEnhancedStatus(std::string_view text);

// A status at the front of a reply text, taken off together with the space behind it. RFC 2034, 4: it counts only where
// its class is the first digit of the reply code; else the text stays whole.
std::optional<EnhancedStatus> TakeEnhancedStatus(std::string_view& text, uint16_t reply_code);

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_ENHANCED_STATUS_H_
