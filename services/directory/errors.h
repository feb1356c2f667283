// The directory's errors, with their reasons.
#ifndef MAILMESH_SERVICES_DIRECTORY_ERRORS_H_
#define MAILMESH_SERVICES_DIRECTORY_ERRORS_H_

#include <string_view>

#include "absl/status/status.h"

namespace mailmesh::directory {

absl::Status AccountNotFound();
absl::Status DomainNotFound(std::string_view domain);
absl::Status RouteNotFound();
absl::Status AliasNotFound();
absl::Status AlreadyExists(std::string_view what);
absl::Status NotAllowed(std::string_view why);
absl::Status BadAddress(std::string_view what);
absl::Status BadName(std::string_view what);

// What the database said, as callers are to see it: a full disk and a full queue with their reasons; what cannot be read
// and what is a mistake of ours as UNAVAILABLE, which every caller takes as temporary (architecture, invariant 5).
absl::Status FromStore(const absl::Status& status);

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_ERRORS_H_
