// Which backups `mailmesh backup create --keep` deletes.
#ifndef MAILMESH_SERVICES_MAILMESH_CLI_BACKUPS_TO_DELETE_H_
#define MAILMESH_SERVICES_MAILMESH_CLI_BACKUPS_TO_DELETE_H_

#include <string>
#include <vector>

#include "mailmesh/mailbox/v1/store_admin_service.pb.h"

namespace mailmesh::cli {

// Of a store's backups, the last one made first, all but the first `keep`. The one that was just `made` is one of those, wherever the list
// has it: a store of the version before orders by the clock, which may have been set back.
std::vector<std::string> BackupsToDelete(const mailbox::v1::ListBackupsResponse& list, const std::string& made, int keep);

}  // namespace mailmesh::cli

#endif  // MAILMESH_SERVICES_MAILMESH_CLI_BACKUPS_TO_DELETE_H_
