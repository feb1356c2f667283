// The parameters by which a sender asks for delivery status notifications, and their encoding.
// Thread-safety: values and free functions. Limits: of RFC 3461, 4.2 and 4.4. RFC 3461, 4; RFC 6533, 3.
#ifndef MAILMESH_COMMON_SMTP_DSN_H_
#define MAILMESH_COMMON_SMTP_DSN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailmesh::smtp {

inline constexpr size_t kMaxEnvid = 100;  // RFC 3461, 4.4, encoded
inline constexpr size_t kMaxOrcpt = 500;  // RFC 3461, 4.2, encoded

// RFC 3461, 4: any octets as printable ASCII, +HH for the rest.
std::string EncodeXtext(std::string_view octets);
std::optional<std::string> DecodeXtext(std::string_view text);

// RFC 3461, 4.1. All false: NOTIFY was not given, which means failure (and perhaps delay).
struct Notify {
  bool never = false;
  bool success = false;
  bool failure = false;
  bool delay = false;

  bool given() const { return never || success || failure || delay; }
  bool operator==(const Notify&) const = default;
};
std::optional<Notify> ParseNotify(std::string_view value);
// Empty when not given.
std::string ToString(const Notify& notify);

// RFC 3461, 4.3.
enum class Ret : uint8_t { kFull, kHeaders };
std::optional<Ret> ParseRet(std::string_view value);
std::string_view ToString(Ret ret);

// RFC 3461, 4.2: the recipient that the sender first named.
struct OriginalRecipient {
  std::string type;     // "rfc822", "utf-8", ... as written
  std::string address;  // decoded
  bool operator==(const OriginalRecipient&) const = default;
};
// The value of ORCPT. `utf8`: RFC 6533, 3: raw UTF-8 may stand in it.
std::optional<OriginalRecipient> ParseOrcpt(std::string_view value, bool utf8);
// `utf8`: the peer takes raw UTF-8.
std::string FormatOrcpt(const OriginalRecipient& orcpt, bool utf8);

// The value of ENVID, decoded; printable ASCII by RFC 3461, 4.4.
std::optional<std::string> ParseEnvid(std::string_view value);

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_DSN_H_
