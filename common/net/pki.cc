#include "common/net/pki.h"

#include <absl/strings/str_cat.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/net/openssl_util.h"

namespace mailmesh::net {
namespace {

using BnPtr = std::unique_ptr<BIGNUM, FreeWith<&BN_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreeWith<&GENERAL_NAMES_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, FreeWith<&X509_EXTENSION_free>>;

constexpr size_t kMaxNames = 100;

absl::Status CryptoError(std::string_view doing) { return OpenSslError(absl::StatusCode::kInternal, doing); }

BioPtr ReadBio(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

std::string BioText(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

absl::StatusOr<PemPair> ToPem(X509* certificate, EVP_PKEY* key) {
  BioPtr certificate_bio(BIO_new(BIO_s_mem()));
  BioPtr key_bio(BIO_new(BIO_s_secmem()));
  if (certificate_bio == nullptr || key_bio == nullptr ||
      PEM_write_bio_X509(certificate_bio.get(), certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return CryptoError("writing PEM");
  }
  return PemPair{BioText(certificate_bio.get()), BioText(key_bio.get())};
}

absl::StatusOr<X509Ptr> ParseCertificate(std::string_view pem) {
  ERR_clear_error();
  BioPtr bio = ReadBio(pem);
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, RefusePassword, nullptr));
  if (certificate == nullptr) return OpenSslError(absl::StatusCode::kInvalidArgument, "not a certificate in PEM");
  return certificate;
}

// RFC 5280, 4.1.2.2: positive and at most 20 octets; random, so that no counter has to be kept.
bool SetSerial(X509* certificate) {
  BnPtr serial(BN_new());
  return serial != nullptr && BN_rand(serial.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool SetTime(ASN1_TIME* field, absl::Time time) { return ASN1_TIME_set(field, absl::ToTimeT(time)) != nullptr; }

bool SetCommonName(X509_NAME* name, std::string_view text) {
  // RFC 5280, appendix A: ub-common-name is 64.
  text = text.substr(0, 64);
  return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()),
                                    -1, 0) == 1;
}

// `value` is ours alone, never a caller's text: OpenSSL gives some characters a meaning here. Names go by AddNames().
bool AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool AddName(GENERAL_NAMES* names, int type, int string_type, std::string_view octets) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_STRING* value = ASN1_STRING_type_new(string_type);
  if (name == nullptr || value == nullptr || octets.empty() ||
      ASN1_STRING_set(value, octets.data(), static_cast<int>(octets.size())) != 1) {
    ASN1_STRING_free(value);
    GENERAL_NAME_free(name);
    return false;
  }
  GENERAL_NAME_set0_value(name, type, value);
  if (sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

bool AddNames(X509* certificate, const LeafRequest& request) {
  NamesPtr names(GENERAL_NAMES_new());
  if (names == nullptr) return false;
  for (const std::string& dns : request.dns_names) {
    if (!AddName(names.get(), GEN_DNS, V_ASN1_IA5STRING, dns)) return false;
  }
  for (const IpAddress& ip : request.ip_addresses) {
    const auto octets = ip.octets();
    std::string_view view(reinterpret_cast<const char*>(octets.data()), octets.size());
    if (!AddName(names.get(), GEN_IPADD, V_ASN1_OCTET_STRING, view)) return false;
  }
  for (const std::string& uri : request.uris) {
    if (!AddName(names.get(), GEN_URI, V_ASN1_IA5STRING, uri)) return false;
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1;
}

bool IsIa5Name(const std::string& name) {
  return !name.empty() && name.size() <= 255 &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

absl::Status CheckRequest(const LeafRequest& request) {
  const size_t count = request.dns_names.size() + request.ip_addresses.size() + request.uris.size();
  if (count == 0) return absl::InvalidArgumentError("a certificate needs a DNS name, an IP address or a URI");
  if (count > kMaxNames) return absl::InvalidArgumentError("too many names for one certificate");
  if (!request.server_auth && !request.client_auth) {
    return absl::InvalidArgumentError("a certificate for neither a server nor a client");
  }
  for (const auto* list : {&request.dns_names, &request.uris}) {
    for (const std::string& name : *list) {
      if (!IsIa5Name(name)) {
        return absl::InvalidArgumentError(absl::StrCat("not a name in ASCII (use A-labels): \"", name, "\""));
      }
    }
  }
  if (request.validity <= absl::ZeroDuration()) return absl::InvalidArgumentError("a validity of no time at all");
  return absl::OkStatus();
}

// What authority and leaf have in common.
absl::StatusOr<X509Ptr> NewCertificate(EVP_PKEY* key, std::string_view common_name, absl::Time from, absl::Time to) {
  X509Ptr certificate(X509_new());
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !SetSerial(certificate.get()) || !SetTime(X509_getm_notBefore(certificate.get()), from) ||
      !SetTime(X509_getm_notAfter(certificate.get()), to) || X509_set_pubkey(certificate.get(), key) != 1 ||
      !SetCommonName(X509_get_subject_name(certificate.get()), common_name)) {
    return CryptoError("making a certificate");
  }
  return certificate;
}

absl::StatusOr<PkeyPtr> NewKey() {
  ERR_clear_error();
  PkeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) return CryptoError("making a key");
  return key;
}

}  // namespace

struct CertificateAuthority::State {
  X509Ptr certificate;
  PkeyPtr key;
  PemPair pem;
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<State> state) : state_(std::move(state)) {}
CertificateAuthority::~CertificateAuthority() = default;
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) noexcept = default;
CertificateAuthority& CertificateAuthority::operator=(CertificateAuthority&&) noexcept = default;

absl::StatusOr<CertificateAuthority> CertificateAuthority::Create(std::string_view common_name,
                                                                  absl::Duration validity) {
  if (common_name.empty()) return absl::InvalidArgumentError("an authority needs a name");
  absl::StatusOr<PkeyPtr> key = NewKey();
  if (!key.ok()) return key.status();
  const absl::Time now = absl::Now();
  absl::StatusOr<X509Ptr> made = NewCertificate(key->get(), common_name, now - absl::Minutes(5), now + validity);
  if (!made.ok()) return made.status();
  X509* certificate = made->get();
  // RFC 5280, 4.2.1.9: no authority below this one.
  if (X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) != 1 ||
      !AddExtension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !AddExtension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !AddExtension(certificate, certificate, NID_subject_key_identifier, "hash") ||
      X509_sign(certificate, key->get(), EVP_sha256()) == 0) {
    return CryptoError("making an authority");
  }
  absl::StatusOr<PemPair> pem = ToPem(certificate, key->get());
  if (!pem.ok()) return pem.status();
  auto state = std::make_unique<State>(State{*std::move(made), *std::move(key), *std::move(pem)});
  return CertificateAuthority(std::move(state));
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::FromPem(const PemPair& pem) {
  absl::StatusOr<X509Ptr> certificate = ParseCertificate(pem.certificate);
  if (!certificate.ok()) return certificate.status();
  BioPtr bio = ReadBio(pem.key);
  PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, RefusePassword, nullptr));
  if (key == nullptr) return OpenSslError(absl::StatusCode::kInvalidArgument, "not a private key in PEM");
  if (X509_check_private_key(certificate->get(), key.get()) != 1) {
    return OpenSslError(absl::StatusCode::kInvalidArgument, "the key does not belong to the certificate");
  }
  if (X509_check_ca(certificate->get()) != 1) {
    return absl::InvalidArgumentError("the certificate is not one of an authority");
  }
  auto state = std::make_unique<State>(State{*std::move(certificate), std::move(key), pem});
  return CertificateAuthority(std::move(state));
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::Load(const std::string& certificate_file,
                                                                const std::string& key_file) {
  absl::StatusOr<std::string> certificate = base::ReadFile(certificate_file, 1 << 20);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = base::ReadFile(key_file, 1 << 20);
  if (!key.ok()) return key.status();
  absl::StatusOr<CertificateAuthority> authority = FromPem(PemPair{*std::move(certificate), *std::move(key)});
  if (!authority.ok()) return base::Annotate(authority.status(), certificate_file);
  return authority;
}

absl::StatusOr<PemPair> CertificateAuthority::Issue(const LeafRequest& request) const {
  if (absl::Status status = CheckRequest(request); !status.ok()) return status;
  absl::StatusOr<PkeyPtr> key = NewKey();
  if (!key.ok()) return key.status();
  X509* issuer = state_->certificate.get();
  const absl::Time now = absl::Now();
  const absl::Time end = std::min(now + request.validity, FromAsn1Time(X509_get0_notAfter(issuer)));
  std::string common_name = request.common_name;
  if (common_name.empty() && !request.dns_names.empty()) common_name = request.dns_names.front();
  if (common_name.empty()) common_name = "mailmesh";
  absl::StatusOr<X509Ptr> made = NewCertificate(key->get(), common_name, now - request.backdate, end);
  if (!made.ok()) return made.status();
  X509* certificate = made->get();
  const char* usage = "serverAuth,clientAuth";
  if (!request.client_auth) usage = "serverAuth";
  if (!request.server_auth) usage = "clientAuth";
  if (X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1 ||
      !AddExtension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !AddExtension(certificate, issuer, NID_key_usage, "critical,digitalSignature") ||
      !AddExtension(certificate, issuer, NID_ext_key_usage, usage) ||
      !AddExtension(certificate, issuer, NID_subject_key_identifier, "hash") ||
      !AddExtension(certificate, issuer, NID_authority_key_identifier, "keyid:always") ||
      !AddNames(certificate, request) || X509_sign(certificate, state_->key.get(), EVP_sha256()) == 0) {
    return CryptoError("issuing a certificate");
  }
  return ToPem(certificate, key->get());
}

const PemPair& CertificateAuthority::pem() const { return state_->pem; }

absl::Status CertificateAuthority::Save(const std::string& certificate_file, const std::string& key_file) const {
  return SavePemPair(state_->pem, certificate_file, key_file);
}

absl::Status SavePemPair(const PemPair& pem, const std::string& certificate_file, const std::string& key_file) {
  if (absl::Status status = base::WriteFileAtomically(key_file, pem.key, 0600); !status.ok()) return status;
  return base::WriteFileAtomically(certificate_file, pem.certificate, 0644);
}

absl::StatusOr<CertificateInfo> DescribeCertificate(std::string_view pem) {
  absl::StatusOr<X509Ptr> parsed = ParseCertificate(pem);
  if (!parsed.ok()) return parsed.status();
  const X509* certificate = parsed->get();
  CertificateInfo info;
  BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  info.subject = BioText(bio.get());
  BioPtr issuer(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(issuer.get(), X509_get_issuer_name(certificate), 0, XN_FLAG_RFC2253);
  info.issuer = BioText(issuer.get());
  BnPtr serial(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (char* text = serial != nullptr ? BN_bn2hex(serial.get()) : nullptr) {
    info.serial = text;
    OPENSSL_free(text);
  }
  info.not_before = FromAsn1Time(X509_get0_notBefore(certificate));
  info.not_after = FromAsn1Time(X509_get0_notAfter(certificate));
  info.names = CertificateNames(certificate);
  return info;
}

absl::StatusOr<std::vector<std::string>> SplitCertificates(std::string_view pem) {
  std::vector<std::string> found;
  BioPtr bio = ReadBio(pem);
  for (;;) {
    ERR_clear_error();
    X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, RefusePassword, nullptr));
    if (certificate == nullptr) {
      const unsigned long error = ERR_peek_last_error();
      if (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE) break;
      return OpenSslError(absl::StatusCode::kInvalidArgument, "not a certificate in PEM");
    }
    BioPtr text(BIO_new(BIO_s_mem()));
    if (text == nullptr || PEM_write_bio_X509(text.get(), certificate.get()) != 1) return CryptoError("writing PEM");
    found.push_back(BioText(text.get()));
  }
  ERR_clear_error();
  return found;
}

bool IsSignedBy(std::string_view pem, std::string_view authority) {
  const absl::StatusOr<X509Ptr> certificate = ParseCertificate(pem);
  const absl::StatusOr<X509Ptr> issuer = ParseCertificate(authority);
  if (!certificate.ok() || !issuer.ok()) return false;
  EVP_PKEY* key = X509_get0_pubkey(issuer->get());
  const bool signed_by = key != nullptr && X509_verify(certificate->get(), key) == 1;
  ERR_clear_error();
  return signed_by;
}

bool IsKeyOf(std::string_view key, std::string_view certificate) {
  const absl::StatusOr<X509Ptr> parsed = ParseCertificate(certificate);
  BioPtr bio = ReadBio(key);
  const PkeyPtr private_key(PEM_read_bio_PrivateKey(bio.get(), nullptr, RefusePassword, nullptr));
  const bool fits = parsed.ok() && private_key != nullptr && X509_check_private_key(parsed->get(), private_key.get()) == 1;
  ERR_clear_error();
  return fits;
}

}  // namespace mailmesh::net
