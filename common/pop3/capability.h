// What CAPA lists, both ways. Thread-safe values and free functions.
// Limits: at most 64 SASL mechanisms are kept, unknown tags are forgotten. RFC 2449, 5 and 6; RFC 2595, 4; RFC 3206, 6;
// RFC 5034, 3; RFC 6856.
#ifndef MAILMESH_COMMON_POP3_CAPABILITY_H_
#define MAILMESH_COMMON_POP3_CAPABILITY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::pop3 {

// RFC 2449, 6.5 and 6.7: a number of seconds or days, perhaps different for each user.
struct Period {
  uint32_t value = 0;
  bool per_user = false;
  bool operator==(const Period&) const = default;
};

struct Capabilities {
  bool top = false;
  bool user = false;
  bool uidl = false;
  bool pipelining = false;
  bool resp_codes = false;
  bool auth_resp_code = false;
  bool stls = false;
  bool utf8 = false;
  bool utf8_user = false;  // "UTF8 USER"
  bool lang = false;
  std::vector<std::string> sasl;      // upper case
  std::optional<Period> login_delay;  // seconds
  bool expire_never = false;
  std::optional<Period> expire;  // days
  std::string implementation;    // one line; RFC 2449, 6.9

  bool HasMechanism(std::string_view mechanism) const;
  bool operator==(const Capabilities&) const = default;
};

// The lines between the status line and the dot, and the dot.
void AppendCapabilities(const Capabilities& capabilities, std::string& out);
// One line of the list, unstuffed.
void ParseCapabilityLine(std::string_view line, Capabilities& out);

}  // namespace mailmesh::pop3

#endif  // MAILMESH_COMMON_POP3_CAPABILITY_H_
