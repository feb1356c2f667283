// The certificates of a mesh on one machine, in DIR/pki (services/mailmesh/pki): an authority of its own, one certificate for the
// protocol ports, and one per role whose URI SAN says which role it is (mutual TLS between roles, `--grpc tcp`).
#ifndef MAILMESH_SERVICES_MAILMESH_UP_IDENTITY_H_
#define MAILMESH_SERVICES_MAILMESH_UP_IDENTITY_H_

#include <absl/status/statusor.h>

#include <set>
#include <string>

#include "services/mailmesh/pki/renew.h"
#include "services/mailmesh/up/layout.h"

namespace mailmesh::up {

struct IdentityFiles {
  std::string certificate;
  std::string key;
  std::string authority;
};

// Paths of the certificate of `name`: pki::kPublicBundle for the protocol ports, else a role.
IdentityFiles FilesOf(const Layout& layout, const std::string& name);

// Makes what is missing and renews what is due; takes over what earlier versions left. `hostname` is one of the names on the
// protocol ports' certificate, beside localhost, 127.0.0.1 and ::1.
absl::StatusOr<pki::Renewal> EnsureIdentities(const Layout& layout, const std::string& hostname, const std::set<std::string>& roles);

}  // namespace mailmesh::up

#endif  // MAILMESH_SERVICES_MAILMESH_UP_IDENTITY_H_
