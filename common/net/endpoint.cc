#include "common/net/endpoint.h"

#include <absl/strings/str_cat.h>

#include <charconv>
#include <utility>

#include "common/base/status.h"

namespace mailmesh::net {
namespace {

absl::Status BadEndpoint(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("not an endpoint: \"", base::Av(text.substr(0, 128)),
                                                 "\": ", base::Av(why),
                                                 "; write host:port, [IPv6]:port or unix:PATH"));
}

}  // namespace

absl::StatusOr<Endpoint> Endpoint::Parse(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) {
    std::string_view path = text.substr(kUnix.size());
    if (path.empty() || path.find('\0') != std::string_view::npos) return BadEndpoint(text, "there is no path");
    return Unix(std::string(path));
  }

  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return BadEndpoint(text, "there is no port");
  std::string_view host = text.substr(0, colon);
  std::string_view digits = text.substr(colon + 1);
  uint16_t port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    return BadEndpoint(text, "the port is not a number from 0 to 65535");
  }

  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return BadEndpoint(text, "the bracket is not closed");
    host = host.substr(1, host.size() - 2);
    if (!IpAddress::Parse(host).ok()) return BadEndpoint(text, "no IPv6 address in the brackets");
  } else if (host.find_first_of(":[]") != std::string_view::npos) {
    return BadEndpoint(text, "an IPv6 address needs brackets");
  }
  if (host.empty() || host.find_first_of(std::string_view(" \t\r\n\0/", 6)) != std::string_view::npos) {
    return BadEndpoint(text, "there is no host");
  }
  return Tcp(std::string(host), port);
}

Endpoint Endpoint::Tcp(std::string host, uint16_t port) {
  Endpoint endpoint;
  endpoint.host_ = std::move(host);
  endpoint.port_ = port;
  return endpoint;
}

Endpoint Endpoint::Unix(std::string path) {
  Endpoint endpoint;
  endpoint.path_ = std::move(path);
  return endpoint;
}

std::optional<IpAddress> Endpoint::ip() const {
  absl::StatusOr<IpAddress> ip = IpAddress::Parse(host_);
  if (!ip.ok()) return std::nullopt;
  return *ip;
}

std::string Endpoint::ToString() const {
  if (is_unix()) return "unix:" + path_;
  if (host_.find(':') != std::string::npos) return absl::StrCat("[", host_, "]:", port_);
  return absl::StrCat(host_, ":", port_);
}

}  // namespace mailmesh::net
