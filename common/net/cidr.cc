#include "common/net/cidr.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "common/base/status.h"

namespace mailmesh::net {
namespace {

// Bits of octet `i` that a prefix of `bits` covers.
uint8_t PrefixMask(int bits, size_t i) {
  const int covered = std::clamp(bits - static_cast<int>(i) * 8, 0, 8);
  return static_cast<uint8_t>(0xff00 >> covered);
}

absl::Status BadRange(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("not an address range: \"", base::Av(text.substr(0, 64)), "\": ", base::Av(why)));
}

}  // namespace

absl::StatusOr<Cidr> Cidr::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  absl::StatusOr<IpAddress> ip = IpAddress::Parse(text.substr(0, slash));
  if (!ip.ok()) return ip.status();
  const int width = static_cast<int>(ip->octets().size()) * 8;
  if (slash == std::string_view::npos) return Cidr(*ip, width);

  std::string_view digits = text.substr(slash + 1);
  const bool only_digits = !digits.empty() && digits.size() <= 3 &&
                           std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  int bits = 0;
  if (!only_digits || !absl::SimpleAtoi(base::Av(digits), &bits)) return BadRange(text, "the length is not a number");
  // A mapped prefix ("::ffff:10.0.0.0/104") became IPv4 with the address.
  const bool mapped = ip->is_v4() && text.substr(0, slash).find(':') != std::string_view::npos;
  if (mapped) bits -= 96;
  if (bits < 0 || bits > width) return BadRange(text, "the length is too great or too small");
  for (size_t i = 0; i < ip->octets().size(); ++i) {
    if ((ip->octets()[i] & ~PrefixMask(bits, i)) != 0) return BadRange(text, "bits are set beyond the length");
  }
  return Cidr(*ip, bits);
}

bool Cidr::Contains(const IpAddress& address) const {
  if (address.is_v4() != base_.is_v4()) return false;
  for (size_t i = 0; i < base_.octets().size(); ++i) {
    if (((address.octets()[i] ^ base_.octets()[i]) & PrefixMask(bits_, i)) != 0) return false;
  }
  return true;
}

std::string Cidr::ToString() const { return absl::StrCat(base_.ToString(), "/", bits_); }

absl::StatusOr<CidrSet> CidrSet::Parse(std::span<const std::string> texts) {
  CidrSet set;
  for (const std::string& text : texts) {
    absl::StatusOr<Cidr> range = Cidr::Parse(text);
    if (!range.ok()) return range.status();
    set.Add(*range);
  }
  return set;
}

CidrSet CidrSet::Loopback() {
  CidrSet set;
  set.Add(*Cidr::Parse("127.0.0.0/8"));
  set.Add(*Cidr::Parse("::1"));
  return set;
}

bool CidrSet::Contains(const IpAddress& address) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Cidr& range) { return range.Contains(address); });
}

bool CidrSet::HasEverything() const {
  return std::any_of(ranges_.begin(), ranges_.end(), [](const Cidr& range) { return range.is_everything(); });
}

}  // namespace mailmesh::net
