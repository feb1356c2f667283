#include "services/mailmesh/cli/backups_to_delete.h"

namespace mailmesh::cli {

std::vector<std::string> BackupsToDelete(const mailbox::v1::ListBackupsResponse& list, const std::string& made, int keep) {
  std::vector<std::string> surplus;
  int others = 0;
  for (const mailbox::v1::Backup& backup : list.backups()) {
    if (backup.name() == made) continue;
    if (++others >= keep) surplus.push_back(backup.name());
  }
  return surplus;
}

}  // namespace mailmesh::cli
