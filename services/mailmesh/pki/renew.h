// Makes what is missing among a mesh's authorities and certificates, and renews what has come to two thirds of its life. One run
// does what can be done now; a change of the authority takes three, with the overlap between them (authorities.h). Every run may
// be cut off anywhere and be repeated.
//
// What is others' stays: authorities that an operator added to a bundle's ca.crt (of that role) or to "trust" (of all roles), and
// a public certificate that none of our authorities has signed.
#ifndef MAILMESH_SERVICES_MAILMESH_PKI_RENEW_H_
#define MAILMESH_SERVICES_MAILMESH_PKI_RENEW_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <set>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "services/mailmesh/pki/bundle_store.h"

namespace mailmesh::pki {

// Holds "ca.pem": what clients of the public ports and all roles trust.
inline constexpr char kTrustBundle[] = "trust";
inline constexpr char kTrustFile[] = "ca.pem";
// The certificate of the public ports. Every other bundle is of the role that has its name, and says nothing else, whatever its
// folder held before: a role that is taken over cannot have itself made another.
inline constexpr char kPublicBundle[] = "server";

struct RenewOptions {
  std::set<std::string> roles;
  // Names of the public certificate (ParseHostName); none: it is made for nobody, and renewed where it is there.
  std::vector<std::string> host_names;
  absl::Duration validity = absl::Hours(24 * 90);
  absl::Duration overlap = absl::Hours(24);
  // Begins a change of the authority, unless one is under way.
  bool new_authority = false;
  // Every certificate of ours, whatever its age: for a key that somebody else may have.
  bool reissue = false;
  // A bundle that is not asked for and may not be read is left with a note: a service account is allowed those of the roles that
  // are on, and others have been.
  bool skip_forbidden = false;
};

struct Renewal {
  std::vector<std::string> changes;  // what was made or taken away, for people
  std::vector<std::string> notes;    // what was left as it is and should be known
};

absl::StatusOr<Renewal> Renew(BundleStore& store, const RenewOptions& options, const base::Clock& clock);

// A host name or an address as certificates have it: host names in small letters.
absl::StatusOr<std::string> ParseHostName(const std::string& name);
// "imap_gateway": a small letter, then such letters, digits and underscores; no name of another bundle.
bool IsRoleName(const std::string& name);

}  // namespace mailmesh::pki

#endif  // MAILMESH_SERVICES_MAILMESH_PKI_RENEW_H_
