// Backups made while serving: a checkpoint, moved or copied to the folder that the configuration allows.
//
// A backup's folder looks like the store's own: `db`, the database's files, and beside it the mark `backup`. A store whose folder has the
// mark was restored: it jumps ahead before it serves (restore.h). So a backup is restored by putting it where the store's
// folder was.
// Flow: the checkpoint is made beside the database (hard links, some milliseconds), then renamed to its place, or, on another file
// system, copied under a temporary name, at a bounded rate, and then renamed: what has a backup's name is whole.
// Thread-safety: free functions by any thread. They block.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_BACKUP_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_BACKUP_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "mailmesh/mailbox/v1/store_admin_service.pb.h"
#include "services/mailbox_store/engine/operations.h"
#include "services/mailbox_store/engine/reads.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {

absl::StatusOr<StreamReaderPtr<mailbox::v1::CreateBackupResponse>> CreateBackup(
    Store& store, const mailbox::v1::CreateBackupRequest& request);
absl::StatusOr<mailbox::v1::ListBackupsResponse> ListBackups(Store& store, const mailbox::v1::ListBackupsRequest& request);
absl::StatusOr<mailbox::v1::DeleteBackupResponse> DeleteBackup(Store& store,
                                                               const mailbox::v1::DeleteBackupRequest& request);

// Removes what a backup that was not finished left beside the database; at start.
absl::Status RemoveUnfinishedBackup(const std::string& store_folder);

// The mark's path in a backup, or in the folder of a store that was restored from one.
std::string BackupMark(const std::string& folder);
// When the backup was made; NotFound if the folder has no mark.
absl::StatusOr<absl::Time> BackupTime(const std::string& folder);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_BACKUP_H_
