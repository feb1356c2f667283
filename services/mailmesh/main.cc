// mailmesh: the tool of operators and users, and the supervisor of a mesh on one machine (`mailmesh up`).
#include "services/mailmesh/cli/actions.h"

int main(int argc, char** argv) { return mailmesh::cli::RunCommandLine(argc, argv); }
