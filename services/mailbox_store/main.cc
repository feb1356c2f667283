#include <string_view>

#include "common/service/run.h"
#include "services/mailbox_store/app.h"
#include "services/mailbox_store/restore_command.h"

int main(int argc, char** argv) {
  if (argc > 1 && argv[1] == std::string_view(mailmesh::mailbox_store::kRestoreFlag)) {
    return mailmesh::mailbox_store::RestoreCommand(argc - 2, argv + 2);
  }
  return mailmesh::service::Run<mailmesh::mailbox_store::App>(argc, argv);
}
