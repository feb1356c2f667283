// The trace fields that go on top of a message (RFC 5321, 4.4), each ended by CRLF.
#ifndef MAILMESH_SERVICES_SMTP_INGRESS_TRACE_H_
#define MAILMESH_SERVICES_SMTP_INGRESS_TRACE_H_

#include <cstdint>
#include <string>

namespace mailmesh::smtp_ingress {

struct TraceFacts {
  std::string helo;          // as the client said it; checked to be a domain or a literal, else left out
  std::string peer_literal;  // "[192.0.2.1]", "[IPv6:2001:db8::1]"; "unix" for a Unix socket
  std::string hostname;      // ours
  std::string protocol;      // "ESMTPS"... (RFC 3848, RFC 6531)
  std::string tls;           // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty without
  std::string id;            // correlation id
  std::string single_recipient;  // set only where there is one: others would learn of blind copies (RFC 5321, 7.2)
  int64_t unix_seconds = 0;
};

std::string ReceivedField(const TraceFacts& facts);
// At final delivery only (RFC 5321, 4.4). `reverse_path` without brackets.
std::string ReturnPathField(const std::string& reverse_path);

// The name of RFC 3848 and RFC 6531, 4.3: "SMTP", "ESMTPSA", "LMTPS", "UTF8SMTPS"...
std::string ProtocolName(bool lmtp, bool extended, bool utf8, bool tls, bool authenticated);

}  // namespace mailmesh::smtp_ingress

#endif  // MAILMESH_SERVICES_SMTP_INGRESS_TRACE_H_
