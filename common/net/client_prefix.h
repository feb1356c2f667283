// By what a client is counted where clients are limited. Thread-safe.
#ifndef MAILMESH_COMMON_NET_CLIENT_PREFIX_H_
#define MAILMESH_COMMON_NET_CLIENT_PREFIX_H_

#include <algorithm>
#include <array>

#include "common/net/address.h"

namespace mailmesh::net {

// An IPv4 address is itself. RFC 6177: one customer has at least a /64 of IPv6, so counting single addresses would limit nobody.
inline IpAddress ClientPrefix(const IpAddress& address) {
  if (address.is_v4()) return address;
  std::array<uint8_t, 16> prefix{};
  std::copy_n(address.octets().begin(), 8, prefix.begin());
  return IpAddress::V6(prefix);
}

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_CLIENT_PREFIX_H_
