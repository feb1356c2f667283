#include "common/dns/records.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <array>

#include "common/base/bytes.h"

namespace mailmesh::dns {
namespace {

bool IsHostOctet(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_'; }

}  // namespace

std::optional<std::string> ParseWireName(std::string_view octets) {
  std::string name;
  while (!octets.empty()) {
    const size_t length = static_cast<uint8_t>(octets.front());
    octets.remove_prefix(1);
    if (length == 0) {
      if (!octets.empty()) return std::nullopt;
      return name;
    }
    // 64 and more would be a compression pointer, of which nothing is left in a decoded answer.
    if (length > 63 || length > octets.size()) return std::nullopt;
    const std::string_view label = octets.substr(0, length);
    if (!std::all_of(label.begin(), label.end(), IsHostOctet)) return std::nullopt;
    if (!name.empty()) name += '.';
    // RFC 1035, 2.3.4: 255 octets with the first length and the root.
    if (name.size() + length > 253) return std::nullopt;
    for (char c : label) name += absl::ascii_tolower(static_cast<unsigned char>(c));
    octets.remove_prefix(length);
  }
  return std::nullopt;
}

std::optional<net::IpAddress> ParseA(std::string_view octets) {
  std::array<uint8_t, 4> address;
  if (octets.size() != address.size()) return std::nullopt;
  std::copy(octets.begin(), octets.end(), address.begin());
  return net::IpAddress::V4(address);
}

std::optional<net::IpAddress> ParseAaaa(std::string_view octets) {
  std::array<uint8_t, 16> address;
  if (octets.size() != address.size()) return std::nullopt;
  std::copy(octets.begin(), octets.end(), address.begin());
  return net::IpAddress::V6(address);
}

std::optional<MxRecord> ParseMx(std::string_view octets) {
  std::optional<uint16_t> preference = base::TakeBigEndian<uint16_t>(octets);
  if (!preference.has_value()) return std::nullopt;
  std::optional<std::string> exchange = ParseWireName(octets);
  if (!exchange.has_value()) return std::nullopt;
  return MxRecord{*preference, *std::move(exchange)};
}

std::optional<TlsaRecord> ParseTlsa(std::string_view octets) {
  if (octets.size() < 4) return std::nullopt;
  TlsaRecord record;
  record.usage = static_cast<uint8_t>(octets[0]);
  record.selector = static_cast<uint8_t>(octets[1]);
  record.matching_type = static_cast<uint8_t>(octets[2]);
  record.data = std::string(octets.substr(3));
  return record;
}

std::optional<std::string> ParseTxt(std::string_view octets) {
  std::string text;
  while (!octets.empty()) {
    const size_t length = static_cast<uint8_t>(octets.front());
    octets.remove_prefix(1);
    if (length > octets.size()) return std::nullopt;
    text.append(octets.substr(0, length));
    octets.remove_prefix(length);
  }
  return text;
}

}  // namespace mailmesh::dns
