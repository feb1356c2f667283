#include "common/service/run.h"
#include "services/mailbox_store/app.h"

int main(int argc, char** argv) { return mailmesh::service::Run<mailmesh::mailbox_store::App>(argc, argv); }
