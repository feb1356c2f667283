#include "common/config/shapes.h"

#include <arpa/inet.h>

#include <charconv>
#include <string>

#include "common/config/tls_shapes.h"

namespace mailmesh::config {
namespace {

bool IsNumber(std::string_view text, unsigned greatest) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value <= greatest;
}

bool IsAddress(int family, std::string_view text) {
  in6_addr address;
  return inet_pton(family, std::string(text).c_str(), &address) == 1;
}

// RFC 1123, 2.1 and RFC 1035, 2.3.4, with underscores, which names inside clusters have.
bool IsHostName(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const std::string_view label = text.substr(0, text.find('.'));
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    for (const char c : label) {
      const bool good =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      if (!good) return false;
    }
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
}

bool IsEndpoint(std::string_view text) {
  if (text.starts_with("unix:")) return text.size() > 5;
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || !IsNumber(text.substr(colon + 1), 65535)) return false;
  const std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) return IsAddress(AF_INET6, host.substr(1, host.size() - 2));
  return IsHostName(host);
}

bool IsCidr(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  const bool v4 = IsAddress(AF_INET, address);
  if (!v4 && !IsAddress(AF_INET6, address)) return false;
  return slash == std::string_view::npos || IsNumber(text.substr(slash + 1), v4 ? 32 : 128);
}

}  // namespace

bool HasShape(v1::FieldRules::Format format, std::string_view text) {
  switch (format) {
    case v1::FieldRules::FORMAT_ENDPOINT:
      return IsEndpoint(text);
    case v1::FieldRules::FORMAT_PATH:
      return text.find('\0') == std::string_view::npos;
    case v1::FieldRules::FORMAT_CIDR:
      return IsCidr(text);
    case v1::FieldRules::FORMAT_HOST_NAME:
      return IsHostName(text);
    case v1::FieldRules::FORMAT_TLS_CIPHER_LIST:
      return IsTlsCipherList(text);
    case v1::FieldRules::FORMAT_TLS_CIPHER_SUITES:
      return IsTlsCipherSuites(text);
    default:
      return true;
  }
}

std::string_view ShapeText(v1::FieldRules::Format format) {
  switch (format) {
    case v1::FieldRules::FORMAT_ENDPOINT:
      return "host:port, [v6]:port or unix:PATH";
    case v1::FieldRules::FORMAT_PATH:
      return "a path";
    case v1::FieldRules::FORMAT_CIDR:
      return "an address block, like 192.0.2.0/24 or 2001:db8::/32";
    case v1::FieldRules::FORMAT_HOST_NAME:
      return "a host name, like mail.example.org";
    case v1::FieldRules::FORMAT_TLS_CIPHER_LIST:
      return "a list of known ciphers that authenticate and encrypt, like ECDHE+AESGCM:ECDHE+CHACHA20";
    case v1::FieldRules::FORMAT_TLS_CIPHER_SUITES:
      return "a list of TLS 1.3 suites, like TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
    default:
      return "a text";
  }
}

}  // namespace mailmesh::config
