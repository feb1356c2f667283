// The passwords of routes (directory.v1.Route.sealed_password): sealed for operators, opened when the relay logs in somewhere.
//
// A seal is bound to the route's domain and user: it opens for no other. Without a key ring every call is FailedPrecondition
// (NOT_ALLOWED). Thread-safe. Blocks for a file's read at most.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_ROUTE_SECRETS_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_ROUTE_SECRETS_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/secret.h"
#include "common/sasl/key_file.h"

namespace mailmesh::outbound_relay {

class RouteSecrets {
 public:
  // Nothing can be sealed or opened.
  RouteSecrets() = default;
  // Makes the ring where there is none; an empty path is as no ring.
  static absl::StatusOr<RouteSecrets> Open(const std::string& key_ring);

  // InvalidArgument: no domain, user or password, or one that is too long.
  absl::StatusOr<std::string> Seal(std::string_view domain, std::string_view user, const base::Secret& password) const;
  // NotFound, DataLoss: as sasl::SecretBox.
  absl::StatusOr<base::Secret> Open(std::string_view domain, std::string_view user, std::string_view sealed) const;
  absl::StatusOr<std::string> Reseal(std::string_view domain, std::string_view user, std::string_view sealed) const;
  absl::StatusOr<sasl::KeyFile::Added> AddKey() const;

 private:
  std::unique_ptr<sasl::KeyFile> ring_;
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_ROUTE_SECRETS_H_
