// `mailmesh up`: runs every role of a mesh on this machine as a process of its own.
//
// It owns the protocol ports and hands the listeners down, so that they never change and a role that restarts refuses
// nobody. It starts the roles in order, starts one that dies again, and stops them in the opposite order on SIGTERM or
// SIGINT. One thread; nothing else may run in the process, for it forks.
#ifndef MAILMESH_SERVICES_MAILMESH_UP_SUPERVISOR_H_
#define MAILMESH_SERVICES_MAILMESH_UP_SUPERVISOR_H_

#include <absl/status/status.h>

#include "services/mailmesh/up/role_config.h"

namespace mailmesh::up {

// Returns when the mesh has stopped: OK after a signal, an error when it could not start.
absl::Status RunMesh(UpOptions options);

}  // namespace mailmesh::up

#endif  // MAILMESH_SERVICES_MAILMESH_UP_SUPERVISOR_H_
