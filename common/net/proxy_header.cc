#include "common/net/proxy_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace mailmesh::net {
namespace {

constexpr std::string_view kVersion1Start = "PROXY ";
constexpr std::string_view kVersion2Start("\r\n\r\n\0\r\nQUIT\n", 12);
// The octet after it: version 2 and a command.
constexpr uint8_t kLocalCommand = 0x20;
constexpr uint8_t kProxyCommand = 0x21;
// Then family and transport.
constexpr uint8_t kTcp4 = 0x11;
constexpr uint8_t kTcp6 = 0x21;
constexpr uint8_t kHighestFamily = 3;
constexpr uint8_t kHighestTransport = 2;

uint8_t Octet(std::string_view octets, size_t at) { return static_cast<uint8_t>(octets[at]); }
uint16_t Number(std::string_view octets, size_t at) {
  return static_cast<uint16_t>(Octet(octets, at) << 8 | Octet(octets, at + 1));
}

template <size_t kSize>
std::array<uint8_t, kSize> First(std::string_view octets) {
  std::array<uint8_t, kSize> taken;
  std::copy_n(octets.begin(), kSize, taken.begin());
  return taken;
}

// The word up to the next space; the rest stays in `text`. One space stands between two words.
std::string_view NextWord(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return port;
}

// `v6` is what the header has announced. Mapped addresses become IPv4 in IpAddress, so the text decides.
std::optional<IpAddress> ParseAddress(std::string_view text, bool v6) {
  if ((text.find(':') != std::string_view::npos) != v6) return std::nullopt;
  const absl::StatusOr<IpAddress> address = IpAddress::Parse(text);
  if (!address.ok()) return std::nullopt;
  return *address;
}

// TLVs of type, length and value fill what is left, exactly.
bool TlvsAreWhole(std::string_view octets) {
  constexpr size_t kHead = 3;
  while (!octets.empty()) {
    if (octets.size() < kHead) return false;
    const size_t size = kHead + Number(octets, 1);
    if (octets.size() < size) return false;
    octets.remove_prefix(size);
  }
  return true;
}

// Nobody on another machine has it, and on this one it stands for rights that no header may give.
bool IsNobody(const IpAddress& address) {
  const bool multicast = address.is_v4() ? address.octets()[0] >= 224 : address.octets()[0] == 0xff;
  return address.is_loopback() || address.is_unspecified() || multicast;
}

}  // namespace

size_t ProxyHeaderParser::Feed(std::string_view octets) {
  size_t taken = 0;
  while (taken < octets.size() && !done() && !fault_.has_value()) Take(octets[taken++]);
  return taken;
}

// Octet by octet, so that the pieces in which a header comes make no difference, and what is none is known at its first wrong octet.
void ProxyHeaderParser::Take(char octet) {
  taken_ += octet;
  const size_t last = taken_.size() - 1;
  const std::string_view start = taken_.front() == kVersion1Start.front() ? kVersion1Start : kVersion2Start;
  if (last < start.size() && octet != start[last]) {
    fault_ = ProxyFault::kMalformed;
  } else if (last >= start.size()) {
    if (start == kVersion1Start) {
      TakeVersion1();
    } else {
      TakeVersion2();
    }
  }
}

void ProxyHeaderParser::TakeVersion1() {
  if (taken_.back() == '\n') {
    FinishVersion1();
  } else if (taken_.size() == kMaxVersion1) {
    fault_ = ProxyFault::kMalformed;
  }
}

void ProxyHeaderParser::FinishVersion1() {
  std::string_view text = std::string_view(taken_).substr(kVersion1Start.size());
  fault_ = ProxyFault::kMalformed;  // until the end is reached
  if (!text.ends_with("\r\n")) return;
  text.remove_suffix(2);
  const std::string_view family = NextWord(text);
  if (family == "UNKNOWN") fault_ = ProxyFault::kNoAddress;
  if (family != "TCP4" && family != "TCP6") return;
  const bool v6 = family == "TCP6";
  const std::optional<IpAddress> source = ParseAddress(NextWord(text), v6);
  const std::optional<IpAddress> destination = ParseAddress(NextWord(text), v6);
  const std::optional<uint16_t> source_port = ParsePort(NextWord(text));
  const std::optional<uint16_t> destination_port = ParsePort(text);
  if (!source || !destination || !source_port || !destination_port) return;
  Finish({*source, *source_port});
}

void ProxyHeaderParser::TakeVersion2() {
  const size_t command_end = kVersion2Start.size() + 1;
  if (taken_.size() == command_end) {
    const uint8_t command = Octet(taken_, command_end - 1);
    if (command != kLocalCommand && command != kProxyCommand) fault_ = ProxyFault::kMalformed;
  }
  if (taken_.size() < kVersion2Prefix || fault_.has_value()) return;
  const size_t rest = Number(taken_, kVersion2Prefix - 2);
  if (rest > kMaxVersion2Rest) {
    fault_ = ProxyFault::kMalformed;
  } else if (taken_.size() == kVersion2Prefix + rest) {
    FinishVersion2();
  }
}

void ProxyHeaderParser::FinishVersion2() {
  const uint8_t command = Octet(taken_, kVersion2Start.size());
  const uint8_t protocol = Octet(taken_, kVersion2Start.size() + 1);
  std::string_view rest = std::string_view(taken_).substr(kVersion2Prefix);
  if (command == kLocalCommand) {
    // "the receiver must ignore the protocol block": whatever it says.
    header_ = ProxyHeader{.local = true, .source = {}};
    return;
  }
  fault_ = ProxyFault::kMalformed;  // until the end is reached
  if (protocol != kTcp4 && protocol != kTcp6) {
    if (protocol >> 4 <= kHighestFamily && (protocol & 0xf) <= kHighestTransport) fault_ = ProxyFault::kNoAddress;
    return;
  }
  const size_t width = protocol == kTcp4 ? 4 : 16;
  const size_t ports = 2 * width;
  if (rest.size() < ports + 4 || !TlvsAreWhole(rest.substr(ports + 4))) return;
  Finish({width == 4 ? IpAddress::V4(First<4>(rest)) : IpAddress::V6(First<16>(rest)), Number(rest, ports)});
}

void ProxyHeaderParser::Finish(SocketAddress source) {
  fault_.reset();
  if (IsNobody(source.ip())) {
    fault_ = ProxyFault::kBadSource;
  } else {
    header_ = ProxyHeader{.local = false, .source = std::move(source)};
  }
}

}  // namespace mailmesh::net
