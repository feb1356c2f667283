// The authorities of a mesh and how one gives way to the next, so that at no moment a peer meets a certificate whose authority it
// has not been told of:
//
//   1. `next` is made and goes to everybody as one more authority to trust; it signs nothing.
//   2. When everybody has had it for the overlap, it becomes `signer`, and everybody gets a certificate of it. The one before is
//      `previous`: still trusted.
//   3. When nobody has had a certificate of `previous` for the overlap, it is trusted no more.
//
// Both overlaps begin when the last bundle was written, not when an authority was made: a step that failed half-way does not let
// them run. Kept as the bundle "authority", which no role can read.
#ifndef MAILMESH_SERVICES_MAILMESH_PKI_AUTHORITIES_H_
#define MAILMESH_SERVICES_MAILMESH_PKI_AUTHORITIES_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/net/pki.h"
#include "services/mailmesh/pki/bundle_store.h"

namespace mailmesh::pki {

inline constexpr char kAuthorityBundle[] = "authority";

struct Authorities {
  net::PemPair signer;
  std::optional<net::PemPair> next;
  std::optional<absl::Time> distributed;  // since when everybody trusts `next`
  std::string previous;                   // its certificate; empty: none
  std::optional<absl::Time> replaced;     // since when nobody has a certificate of `previous`
  // Bundles that have a certificate of ours: each is renewed whoever asks for what.
  std::set<std::string> certificates;

  // Certificates, the signer's first.
  std::vector<std::string> All() const;
};

absl::StatusOr<Authorities> ReadAuthorities(const Files& files);
Files WriteAuthorities(const Authorities& authorities);

// `certificate` and `authorities` in PEM.
bool IsSignedByOneOf(const std::string& certificate, const std::vector<std::string>& authorities);

// A new one, whose name differs from all others'.
absl::StatusOr<net::PemPair> MakeAuthority();

// Whether two thirds of a certificate's life are over.
bool IsDue(const net::CertificateInfo& info, absl::Time now);

}  // namespace mailmesh::pki

#endif  // MAILMESH_SERVICES_MAILMESH_PKI_AUTHORITIES_H_
