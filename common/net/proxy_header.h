// The header by which a load balancer tells whose connection it passes on: the PROXY protocol, versions 1 and 2.
// (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt)
//
// Grammar only: octets in, a header or a fault out. TLVs of version 2 are skipped, whatever they say: a balancer that has ended TLS
// cannot tell so here, and no claim of a TLV (a host name, a certificate) is believed.
// Flow: Feed() until fault() or done(); what it does not take belongs to the client.
// Limits: version 1 as in its section 2.1, 107 octets with CRLF; version 2 4,096 octets after its first 16.
// Thread-safety: none.
#ifndef MAILMESH_COMMON_NET_PROXY_HEADER_H_
#define MAILMESH_COMMON_NET_PROXY_HEADER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/net/address.h"

namespace mailmesh::net {

struct ProxyHeader {
  // LOCAL of version 2: the balancer's own connection, such as a health check; there is no client.
  bool local = false;
  SocketAddress source;
};

enum class ProxyFault {
  kMalformed,  // no PROXY header, or one that breaks the grammar or a limit
  kNoAddress,  // version 1 UNKNOWN, version 2 for anything but TCP over IP: whose connection it is stays untold
  kBadSource,     // a source that no client on another machine can have: loopback, unspecified, multicast
};

class ProxyHeaderParser {
 public:
  static constexpr size_t kMaxVersion1 = 107;
  static constexpr size_t kVersion2Prefix = 16;
  static constexpr size_t kMaxVersion2Rest = 4096;

  // Returns how many of the octets it has taken: all of them, unless the header (or its fault) ends before.
  size_t Feed(std::string_view octets);

  bool done() const { return header_.has_value(); }
  std::optional<ProxyFault> fault() const { return fault_; }
  // Once done().
  const ProxyHeader& header() const { return *header_; }

 private:
  void Take(char octet);
  void TakeVersion1();
  void TakeVersion2();
  void FinishVersion1();
  void FinishVersion2();
  void Finish(SocketAddress source);

  std::string taken_;
  std::optional<ProxyHeader> header_;
  std::optional<ProxyFault> fault_;
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_PROXY_HEADER_H_
