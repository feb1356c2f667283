#include "common/net/openssl_util.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>

#include "common/base/status.h"
#include "common/net/address.h"

namespace mailmesh::net {
namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreeWith<&GENERAL_NAMES_free>>;

std::string_view TextOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<size_t>(ASN1_STRING_length(text))};
}

std::optional<std::string> DnsName(const GENERAL_NAME* name) {
  if (name->type != GEN_DNS) return std::nullopt;
  std::string_view text = TextOf(name->d.dNSName);
  // "good.example\0.evil.example" once fooled those who stop at the zero.
  if (text.empty() || text.find('\0') != std::string_view::npos) return std::nullopt;
  return absl::AsciiStrToLower(base::Av(text));
}

std::optional<std::string> IpName(const GENERAL_NAME* name) {
  if (name->type != GEN_IPADD) return std::nullopt;
  std::string_view octets = TextOf(name->d.iPAddress);
  if (octets.size() == 4) {
    std::array<uint8_t, 4> v4;
    std::copy(octets.begin(), octets.end(), v4.begin());
    return IpAddress::V4(v4).ToString();
  }
  if (octets.size() == 16) {
    std::array<uint8_t, 16> v6;
    std::copy(octets.begin(), octets.end(), v6.begin());
    return IpAddress::V6(v6).ToString();
  }
  return std::nullopt;
}

std::optional<std::string> UriName(const GENERAL_NAME* name) {
  if (name->type != GEN_URI) return std::nullopt;
  std::string_view text = TextOf(name->d.uniformResourceIdentifier);
  if (text.empty() || text.find('\0') != std::string_view::npos) return std::nullopt;
  return std::string(text);
}

NamesPtr AlternativeNames(const X509* certificate) {
  return NamesPtr(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
}

}  // namespace

std::string TakeOpenSslErrors() {
  std::string all;
  while (unsigned long error = ERR_get_error()) {
    char text[256];
    ERR_error_string_n(error, text, sizeof(text));
    absl::StrAppend(&all, all.empty() ? "" : "; ", text);
  }
  return all;
}

absl::Status OpenSslError(absl::StatusCode code, std::string_view doing) {
  std::string errors = TakeOpenSslErrors();
  return absl::Status(code, absl::StrCat(base::Av(doing), errors.empty() ? "" : ": ", errors));
}

std::vector<std::string> CertificateNames(const X509* certificate, size_t limit) {
  std::vector<std::string> found;
  NamesPtr names = AlternativeNames(certificate);
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()) && found.size() < limit; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    for (auto read : {&DnsName, &IpName, &UriName}) {
      if (std::optional<std::string> text = read(name)) found.push_back(std::move(*text));
    }
  }
  return found;
}

std::vector<std::string> CertificateDnsNames(const X509* certificate) {
  std::vector<std::string> found;
  NamesPtr names = AlternativeNames(certificate);
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    if (std::optional<std::string> text = DnsName(sk_GENERAL_NAME_value(names.get(), i))) {
      found.push_back(std::move(*text));
    }
  }
  return found;
}

absl::Time FromAsn1Time(const ASN1_TIME* time) {
  std::tm broken{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &broken) != 1) return absl::InfinitePast();
  return absl::FromTM(broken, absl::UTCTimeZone());
}

int RefusePassword(char*, int, int, void*) { return -1; }

}  // namespace mailmesh::net
