#include "services/mailmesh/up/identity.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "services/mailmesh/pki/flat_folder.h"
#include "services/mailmesh/pki/folder_store.h"

namespace mailmesh::up {

IdentityFiles FilesOf(const Layout& layout, const std::string& name) {
  const std::string folder = absl::StrCat(layout.pki(), "/", name, "/");
  return {folder + pki::kCertificate, folder + pki::kKey, folder + pki::kTrusted};
}

absl::StatusOr<pki::Renewal> EnsureIdentities(const Layout& layout, const std::string& hostname, const std::set<std::string>& roles) {
  pki::RenewOptions options;
  options.roles = roles;
  ASSIGN_OR_RETURN(const std::string parsed, pki::ParseHostName(hostname));
  options.host_names = {parsed, "localhost", "127.0.0.1", "::1"};
  std::set<std::string> names = roles;
  names.insert(pki::kPublicBundle);
  ASSIGN_OR_RETURN(const auto store, pki::FolderStore::Open(layout.pki()));
  ASSIGN_OR_RETURN(const std::vector<std::string> taken, pki::TakeOverFlatFolder(*store, layout.authority(), names));
  ASSIGN_OR_RETURN(pki::Renewal renewal, pki::Renew(*store, options, base::Clock::Real()));
  RETURN_IF_ERROR(pki::LinkTrustFile(*store, layout.authority()));
  renewal.changes.insert(renewal.changes.begin(), taken.begin(), taken.end());
  return renewal;
}

}  // namespace mailmesh::up
