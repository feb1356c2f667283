#include "services/mailbox_store/restore_command.h"

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "services/mailbox_store/engine/backup.h"
#include "services/mailbox_store/engine/restore.h"

namespace mailmesh::mailbox_store {

int RestoreCommand(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr,
                 "usage: mailmesh-mailbox_store --restore BACKUP FOLDER\n"
                 "  BACKUP  a backup's folder\n"
                 "  FOLDER  the store's database.path; its database is kept beside it\n"
                 "The store must be stopped. At its next start it goes on from the backup.\n");
    return 2;
  }
  std::string kept;
  const absl::Status restored = RestoreFolder(argv[0], argv[1], &kept);
  if (!kept.empty()) std::printf("the database that was there is now %s\n", kept.c_str());
  if (!restored.ok()) {
    std::fprintf(stderr, "not restored: %s\n", std::string(restored.message()).c_str());
    return 1;
  }
  std::printf("restored %s to %s; start the store\n", argv[0], argv[1]);
  return 0;
}

}  // namespace mailmesh::mailbox_store
