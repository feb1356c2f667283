// `mailmesh-mailbox_store --restore BACKUP FOLDER`: puts a backup where a store's folder is, while the store does not run.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_RESTORE_COMMAND_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_RESTORE_COMMAND_H_

namespace mailmesh::mailbox_store {

inline constexpr char kRestoreFlag[] = "--restore";

// `argv`: what follows the flag. The exit code: 0 done, 1 failed, 2 wrong usage.
int RestoreCommand(int argc, char** argv);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_RESTORE_COMMAND_H_
