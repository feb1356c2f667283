#include "common/net/address.h"

#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "common/base/status.h"

namespace mailmesh::net {
namespace {

// RFC 4291, 2.5.5.2: ::ffff:0:0/96.
constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

absl::StatusOr<IpAddress> IpAddress::Parse(std::string_view text) {
  // inet_pton wants a terminated string; no address is longer than this.
  char terminated[INET6_ADDRSTRLEN + 1];
  if (text.size() < sizeof(terminated)) {
    std::memcpy(terminated, text.data(), text.size());
    terminated[text.size()] = '\0';
    std::array<uint8_t, 4> v4;
    std::array<uint8_t, 16> v6;
    const bool whole = std::strlen(terminated) == text.size();
    if (whole && inet_pton(AF_INET, terminated, v4.data()) == 1) return V4(v4);
    if (whole && inet_pton(AF_INET6, terminated, v6.data()) == 1) return V6(v6);
  }
  return absl::InvalidArgumentError(absl::StrCat("not an IP address: \"", base::Av(text.substr(0, 64)), "\""));
}

IpAddress IpAddress::V4(std::array<uint8_t, 4> octets) {
  IpAddress address;
  std::copy(octets.begin(), octets.end(), address.octets_.begin());
  return address;
}

IpAddress IpAddress::V6(std::array<uint8_t, 16> octets) {
  IpAddress address;
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets.begin())) {
    std::copy(octets.begin() + 12, octets.end(), address.octets_.begin());
    return address;
  }
  address.v4_ = false;
  address.octets_ = octets;
  return address;
}

bool IpAddress::is_loopback() const {
  if (v4_) return octets_[0] == 127;
  static constexpr std::array<uint8_t, 16> kLoopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return octets_ == kLoopback;
}

bool IpAddress::is_unspecified() const { return octets_ == std::array<uint8_t, 16>{}; }

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(v4_ ? AF_INET : AF_INET6, octets_.data(), text, sizeof(text));
  return text;
}

std::string IpAddress::ToAddressLiteral() const {
  return v4_ ? absl::StrCat("[", ToString(), "]") : absl::StrCat("[IPv6:", ToString(), "]");
}

std::string IpAddress::ToReverseName() const {
  std::string name;
  if (v4_) {
    for (int i = 3; i >= 0; --i) absl::StrAppend(&name, static_cast<int>(octets_[i]), ".");
    return name + "in-addr.arpa";
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  for (int i = 15; i >= 0; --i) {
    name += {kDigits[octets_[i] & 15], '.', kDigits[octets_[i] >> 4], '.'};
  }
  return name + "ip6.arpa";
}

SocketAddress SocketAddress::Unix(std::string path) {
  SocketAddress address;
  address.unix_ = true;
  address.path_ = std::move(path);
  return address;
}

SocketAddress SocketAddress::FromNative(const sockaddr* address, socklen_t size) {
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof(in));
    std::array<uint8_t, 4> octets;
    std::memcpy(octets.data(), &in.sin_addr, octets.size());
    return SocketAddress(IpAddress::V4(octets), ntohs(in.sin_port));
  }
  if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in;
    std::memcpy(&in, address, sizeof(in));
    std::array<uint8_t, 16> octets;
    std::memcpy(octets.data(), &in.sin6_addr, octets.size());
    return SocketAddress(IpAddress::V6(octets), ntohs(in.sin6_port));
  }
  constexpr size_t kPathOffset = offsetof(sockaddr_un, sun_path);
  if (address->sa_family == AF_UNIX && size > kPathOffset) {
    const char* path = reinterpret_cast<const char*>(address) + kPathOffset;
    return Unix(std::string(path, strnlen(path, size - kPathOffset)));
  }
  return Unix("");
}

socklen_t SocketAddress::ToNative(sockaddr_storage* storage) const {
  std::memset(storage, 0, sizeof(*storage));
  const auto octets = ip_.octets();
  if (ip_.is_v4()) {
    auto* in = reinterpret_cast<sockaddr_in*>(storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port_);
    std::memcpy(&in->sin_addr, octets.data(), octets.size());
    return sizeof(sockaddr_in);
  }
  auto* in = reinterpret_cast<sockaddr_in6*>(storage);
  in->sin6_family = AF_INET6;
  in->sin6_port = htons(port_);
  std::memcpy(&in->sin6_addr, octets.data(), octets.size());
  return sizeof(sockaddr_in6);
}

std::string SocketAddress::ToString() const {
  if (unix_) return "unix:" + path_;
  if (ip_.is_v4()) return absl::StrCat(ip_.ToString(), ":", port_);
  return absl::StrCat("[", ip_.ToString(), "]:", port_);
}

}  // namespace mailmesh::net
