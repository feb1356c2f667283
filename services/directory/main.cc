#include "common/service/run.h"
#include "services/directory/app.h"

int main(int argc, char** argv) { return mailmesh::service::Run<mailmesh::directory::App>(argc, argv); }
