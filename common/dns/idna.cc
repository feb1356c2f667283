#include "common/dns/idna.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <idn2.h>

#include <algorithm>
#include <memory>

#include "common/base/status.h"

namespace mailmesh::dns {
namespace {

constexpr size_t kMaxName = 253;   // RFC 1035, 2.3.4: 255 on the wire, less the first length and the root
constexpr size_t kMaxLabel = 63;   // RFC 1035, 2.3.4
constexpr size_t kMaxInput = 1024;

absl::Status BadName(std::string_view name, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("not a domain name: \"", absl::CHexEscape(base::Av(name.substr(0, 128))), "\": ", base::Av(why)));
}

bool IsNameOctet(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_'; }

absl::Status CheckLabels(std::string_view name) {
  if (name.size() > kMaxName) return BadName(name, "it is too long");
  for (size_t begin = 0; begin <= name.size();) {
    const size_t dot = std::min(name.find('.', begin), name.size());
    const std::string_view label = name.substr(begin, dot - begin);
    if (label.empty()) return BadName(name, "a label is empty");
    if (label.size() > kMaxLabel) return BadName(name, "a label is too long");
    if (!std::all_of(label.begin(), label.end(), IsNameOctet)) return BadName(name, "an octet is not allowed");
    begin = dot + 1;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ToALabels(std::string_view name) {
  char* raw = nullptr;
  const std::string terminated(name);
  const int result = idn2_lookup_u8(reinterpret_cast<const uint8_t*>(terminated.c_str()),
                                    reinterpret_cast<uint8_t**>(&raw), IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  std::unique_ptr<char, void (*)(void*)> owned(raw, idn2_free);
  if (result != IDN2_OK) return BadName(name, idn2_strerror(result));
  return std::string(raw);
}

}  // namespace

absl::StatusOr<std::string> ToAsciiName(std::string_view name) {
  if (name.size() > kMaxInput) return BadName(name, "it is too long");
  if (name.find('\0') != std::string_view::npos) return BadName(name, "it contains a zero octet");
  std::string ascii(name);
  const bool is_ascii = std::all_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x80; });
  if (!is_ascii) {
    absl::StatusOr<std::string> converted = ToALabels(name);
    if (!converted.ok()) return converted.status();
    ascii = *std::move(converted);
  }
  absl::AsciiStrToLower(&ascii);
  if (ascii.ends_with('.')) ascii.pop_back();
  if (absl::Status status = CheckLabels(ascii); !status.ok()) return status;
  return ascii;
}

}  // namespace mailmesh::dns
