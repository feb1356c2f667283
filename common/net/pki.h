// A certificate authority of one's own, for `mailmesh pki`, `mailmesh up` and tests: ECDSA P-256, X.509 v3 (RFC 5280).
//
// What it does not do: revocation, intermediates, other people's requests (CSR).
// Thread-safety: const methods from any thread.
#ifndef MAILMESH_COMMON_NET_PKI_H_
#define MAILMESH_COMMON_NET_PKI_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/address.h"

namespace mailmesh::net {

struct PemPair {
  std::string certificate;  // of a leaf: the leaf alone
  std::string key;          // PKCS #8, not encrypted
};

struct LeafRequest {
  std::string common_name{};           // for people; names that count are below
  std::vector<std::string> dns_names{};  // A-labels, "*." allowed in front
  std::vector<IpAddress> ip_addresses{};
  std::vector<std::string> uris{};  // "mailmesh://role/imap_gateway": the role of a mutual TLS peer
  bool server_auth = true;
  bool client_auth = false;
  absl::Duration validity = absl::Hours(24 * 397);
  // The clock of the machine that checks may be behind ours.
  absl::Duration backdate = absl::Minutes(5);
};

class CertificateAuthority {
 public:
  static absl::StatusOr<CertificateAuthority> Create(std::string_view common_name,
                                                     absl::Duration validity = absl::Hours(24 * 3650));
  static absl::StatusOr<CertificateAuthority> FromPem(const PemPair& pem);
  // NotFound when one of the files is missing.
  static absl::StatusOr<CertificateAuthority> Load(const std::string& certificate_file, const std::string& key_file);
  ~CertificateAuthority();
  CertificateAuthority(CertificateAuthority&&) noexcept;
  CertificateAuthority& operator=(CertificateAuthority&&) noexcept;

  // A certificate never outlives the authority. InvalidArgument without a single name.
  absl::StatusOr<PemPair> Issue(const LeafRequest& request) const;
  const PemPair& pem() const;
  absl::Status Save(const std::string& certificate_file, const std::string& key_file) const;

 private:
  struct State;
  explicit CertificateAuthority(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Key first and mode 0600, then the certificate, mode 0644, each atomically.
absl::Status SavePemPair(const PemPair& pem, const std::string& certificate_file, const std::string& key_file);

struct CertificateInfo {
  std::string subject;
  std::string issuer;
  std::string serial;  // hexadecimal
  absl::Time not_before;
  absl::Time not_after;
  std::vector<std::string> names;  // as TlsInfo::peer_names
};
// The first certificate in the PEM text.
absl::StatusOr<CertificateInfo> DescribeCertificate(std::string_view pem);

// Each certificate of a PEM text, written as this file writes them, so that equal ones are equal texts; what is no certificate is
// left out. InvalidArgument where a certificate cannot be read.
absl::StatusOr<std::vector<std::string>> SplitCertificates(std::string_view pem);
// Whether the first certificate of the text was signed by this authority. Times are not looked at.
bool IsSignedBy(std::string_view pem, std::string_view authority);
bool IsKeyOf(std::string_view key, std::string_view certificate);

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_PKI_H_
