// Where a server listens or a client connects, as configuration writes it: "host:port", "[v6]:port", "unix:PATH".
#ifndef MAILMESH_COMMON_NET_ENDPOINT_H_
#define MAILMESH_COMMON_NET_ENDPOINT_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/net/address.h"

namespace mailmesh::net {

class Endpoint {
 public:
  // The port is required, 0 allowed (the system chooses when listening). A bare IPv6 address needs its brackets.
  static absl::StatusOr<Endpoint> Parse(std::string_view text);
  static Endpoint Tcp(std::string host, uint16_t port);
  static Endpoint Unix(std::string path);

  bool is_unix() const { return !path_.empty(); }
  const std::string& host() const { return host_; }  // without brackets
  uint16_t port() const { return port_; }
  const std::string& path() const { return path_; }
  // The host, where it is an IP address and not a name.
  std::optional<IpAddress> ip() const;

  // Parse(ToString()) gives the same endpoint.
  std::string ToString() const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;

 private:
  std::string host_;
  uint16_t port_ = 0;
  std::string path_;
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_ENDPOINT_H_
