// Takes over the folders of earlier versions, where everything lay side by side: ROOT/ca.key, and of `mailmesh up` ROOT/NAME.pem
// with ROOT/NAME.key for each role and the public ports. The authority's certificate is among those of the trust file, which
// becomes a link to the bundle "trust"; what an operator had added to it is kept.
//
// The authority's key leaves a link in its old place: the version before, put back, goes on with the same authority.
//
// New files are written and synced before old ones are removed, and each step looks at what is there: cut off anywhere, it goes
// on with the next start. A pair that an operator puts into the old place later is taken over, too.
#ifndef MAILMESH_SERVICES_MAILMESH_PKI_FLAT_FOLDER_H_
#define MAILMESH_SERVICES_MAILMESH_PKI_FLAT_FOLDER_H_

#include <absl/status/statusor.h>

#include <set>
#include <string>
#include <vector>

#include "services/mailmesh/pki/folder_store.h"

namespace mailmesh::pki {

// `trust_file` may lie outside of the store's folder. What it says is for people.
absl::StatusOr<std::vector<std::string>> TakeOverFlatFolder(FolderStore& store, const std::string& trust_file,
                                                            const std::set<std::string>& names);
// Lets the trust file lead to the bundle "trust", once that is there.
absl::Status LinkTrustFile(const FolderStore& store, const std::string& trust_file);

}  // namespace mailmesh::pki

#endif  // MAILMESH_SERVICES_MAILMESH_PKI_FLAT_FOLDER_H_
