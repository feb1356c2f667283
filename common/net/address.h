// IP addresses and socket addresses as plain values, without the headers of any network library.
//
// An IPv4 address that was mapped into IPv6 (::ffff:a.b.c.d, as a dual-stack listener sees it) becomes IPv4 on the way
// in, so that ranges and limits cannot be passed by the other spelling. Scope ids (fe80::1%eth0) are not kept.
#ifndef MAILMESH_COMMON_NET_ADDRESS_H_
#define MAILMESH_COMMON_NET_ADDRESS_H_

#include <absl/status/statusor.h>
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mailmesh::net {

class IpAddress {
 public:
  // The IPv4 address 0.0.0.0.
  IpAddress() = default;

  // "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1" (becomes IPv4). No brackets, no port, no zone.
  static absl::StatusOr<IpAddress> Parse(std::string_view text);
  static IpAddress V4(std::array<uint8_t, 4> octets);
  static IpAddress V6(std::array<uint8_t, 16> octets);
  static IpAddress LoopbackV4() { return V4({127, 0, 0, 1}); }

  bool is_v4() const { return v4_; }
  bool is_v6() const { return !v4_; }
  bool is_loopback() const;     // 127.0.0.0/8, ::1
  bool is_unspecified() const;  // 0.0.0.0, ::
  // 4 or 16 octets in network order; valid as long as the address.
  std::span<const uint8_t> octets() const { return {octets_.data(), v4_ ? size_t{4} : size_t{16}}; }

  // The canonical text of RFC 5952.
  std::string ToString() const;
  // RFC 5321, 4.1.3: "[192.0.2.1]", "[IPv6:2001:db8::1]".
  std::string ToAddressLiteral() const;
  // "1.2.0.192.in-addr.arpa" or the nibbles under ip6.arpa.
  std::string ToReverseName() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const IpAddress& a) {
    return H::combine(std::move(h), a.v4_, a.octets_);
  }

 private:
  bool v4_ = true;
  std::array<uint8_t, 16> octets_{};
};

// What a socket is bound or connected to: IP and port, or a Unix path (empty for an unnamed peer).
class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(IpAddress ip, uint16_t port) : ip_(ip), port_(port) {}
  static SocketAddress Unix(std::string path);
  static SocketAddress FromNative(const sockaddr* address, socklen_t size);

  bool is_unix() const { return unix_; }
  bool is_ip() const { return !unix_; }
  const IpAddress& ip() const { return ip_; }  // meaningful if is_ip()
  uint16_t port() const { return port_; }
  const std::string& path() const { return path_; }
  // The peer is on this machine: loopback or a Unix socket.
  bool is_local() const { return unix_ || ip_.is_loopback(); }

  // Fills `storage` and returns the length; for IP only (Unix paths: unix_path.h).
  socklen_t ToNative(sockaddr_storage* storage) const;
  // "192.0.2.1:25", "[2001:db8::1]:25", "unix:/run/x", "unix:" for an unnamed peer.
  std::string ToString() const;

  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;

 private:
  bool unix_ = false;
  IpAddress ip_;
  uint16_t port_ = 0;
  std::string path_;
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_ADDRESS_H_
