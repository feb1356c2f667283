// The capability line. Only what works is said; each word has a test. RFC 3501, 7.2.1.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_CAPABILITIES_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_CAPABILITIES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace mailmesh::imap_gateway {

struct CapabilityFacts {
  bool tls = false;         // STARTTLS is done, or never was needed
  bool may_log_in = false;  // RFC 3501, 6.2.3: else LOGINDISABLED
  bool logged_in = false;
  // RFC 7888: literals that do not wait are taken up to 4,096 octets only.
  bool literal_minus = false;
  // Greatest message of APPEND (RFC 7889).
  uint64_t append_limit = 0;
  std::vector<std::string> mechanisms;
};

std::vector<std::string> Capabilities(const CapabilityFacts& facts);

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_CAPABILITIES_H_
