#include "services/outbound_relay/own_addresses.h"

#include <ifaddrs.h>
#include <sys/socket.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace mailmesh::outbound_relay {

absl::StatusOr<OwnAddresses> FindOwnAddresses(const std::vector<std::string>& configured) {
  OwnAddresses own;
  for (const std::string& text : configured) {
    const absl::StatusOr<net::IpAddress> address = net::IpAddress::Parse(text);
    if (!address.ok()) return absl::InvalidArgumentError(absl::StrCat("own_addresses: \"", text, "\" is not an IP address"));
    own.insert(*address);
  }
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return base::ErrnoStatus(errno, "the addresses of this machine");
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    const net::IpAddress address = net::SocketAddress::FromNative(one->ifa_addr, size).ip();
    if (!address.is_loopback()) own.insert(address);
  }
  freeifaddrs(list);
  return own;
}

}  // namespace mailmesh::outbound_relay
