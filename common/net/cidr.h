// Ranges of IP addresses, for trusted networks and exemptions from limits.
#ifndef MAILMESH_COMMON_NET_CIDR_H_
#define MAILMESH_COMMON_NET_CIDR_H_

#include <absl/status/statusor.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/address.h"

namespace mailmesh::net {

class Cidr {
 public:
  // "127.0.0.0/8", "2001:db8::/32", or one address. Host bits that are set are an error: it is a typing mistake.
  static absl::StatusOr<Cidr> Parse(std::string_view text);

  bool Contains(const IpAddress& address) const;
  // 0.0.0.0/0 or ::/0.
  bool is_everything() const { return bits_ == 0; }
  std::string ToString() const;

 private:
  Cidr(IpAddress base, int bits) : base_(base), bits_(bits) {}
  IpAddress base_;
  int bits_;
};

class CidrSet {
 public:
  CidrSet() = default;
  // Names the entry that is wrong.
  static absl::StatusOr<CidrSet> Parse(std::span<const std::string> texts);
  static CidrSet Loopback();  // 127.0.0.0/8 and ::1

  void Add(Cidr range) { ranges_.push_back(range); }
  bool Contains(const IpAddress& address) const;
  // False for Unix sockets: who may use one is said by the file system, not by a range.
  bool Contains(const SocketAddress& address) const { return address.is_ip() && Contains(address.ip()); }
  bool empty() const { return ranges_.empty(); }
  // One of the ranges leaves nobody of its family out.
  bool HasEverything() const;

 private:
  std::vector<Cidr> ranges_;
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_CIDR_H_
