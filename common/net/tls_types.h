// What callers of TLS say and learn, without OpenSSL's headers.
#ifndef MAILMESH_COMMON_NET_TLS_TYPES_H_
#define MAILMESH_COMMON_NET_TLS_TYPES_H_

#include <string>
#include <vector>

namespace mailmesh::net {

enum class TlsVersion { kTls12, kTls13 };

// A caller says in words whether it needs to know whom it talks to.
enum class TlsVerify {
  // The handshake fails unless the chain is trusted and the certificate names the peer (RFC 6125; RFC 9525).
  kRequired,
  // RFC 7435: encryption against listeners only. The result is still recorded in TlsInfo::verified.
  kOpportunistic,
};

// The peer a client expects.
struct TlsPeer {
  // DNS name (A-labels) or IP address. Sent as SNI where it is a name.
  std::string name{};
  TlsVerify verify = TlsVerify::kRequired;
};

struct TlsInfo {
  std::string version;  // "TLSv1.3"
  std::string cipher;   // "TLS_AES_256_GCM_SHA384"
  int cipher_bits = 0;
  std::string sni;  // what the client asked for, lower case; empty if nothing
  // The peer's certificate chain is trusted and, for a client, carries the expected name.
  bool verified = false;
  std::string verify_error;               // why not; empty if verified or no certificate was asked for
  std::vector<std::string> peer_names;    // DNS, IP and URI names in the peer's certificate, at most 64
  bool resumed = false;
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_TLS_TYPES_H_
