// Bundles in a folder, as the kubelet mounts Secrets, so that programs read both the same way:
//
//   ROOT/NAME/..2026-11-28.x7f3/tls.crt ...   the files, never changed
//   ROOT/NAME/..data -> ..2026-11-28.x7f3     replaced by rename(2): the moment of change
//   ROOT/NAME/tls.crt -> ..data/tls.crt       what programs open
//
// Everything is synced before the old files are removed. A write that was cut off anywhere is taken up or cleaned away by the
// next one, or by reading. A file that an operator put in the place of a link is read as what it is; a link that leads anywhere
// else is not followed (folder.h). New files belong to the owner of ROOT/NAME, so that a role's user keeps its folder when root
// renews. Keys are of mode 0600, folders of 0700; a bundle without a key is for everybody to read.
//
// Not thread-safe; among processes, ROOT/.lock is held while the store lives.
#ifndef MAILMESH_SERVICES_MAILMESH_PKI_FOLDER_STORE_H_
#define MAILMESH_SERVICES_MAILMESH_PKI_FOLDER_STORE_H_

#include <memory>
#include <string>

#include "services/mailmesh/pki/bundle_store.h"

namespace mailmesh::pki {

class FolderStore final : public BundleStore {
 public:
  // Makes `root` where it is missing, and waits for up to 10 s while another process has the lock.
  static absl::StatusOr<std::unique_ptr<FolderStore>> Open(const std::string& root);
  ~FolderStore() override;

  absl::StatusOr<Bundle> Read(const std::string& name) override;
  absl::StatusOr<std::string> Write(const std::string& name, const Files& files, const std::string& version) override;
  std::string PlaceOf(const std::string& name) const override { return root_ + "/" + name; }

  const std::string& root() const { return root_; }

 private:
  FolderStore(std::string root, int lock) : root_(std::move(root)), lock_(lock) {}

  const std::string root_;
  const int lock_;
};

}  // namespace mailmesh::pki

#endif  // MAILMESH_SERVICES_MAILMESH_PKI_FOLDER_STORE_H_
