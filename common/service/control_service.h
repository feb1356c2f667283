// mailmesh.control.v1.ControlService: what every role answers about itself, and the few things that an operator may ask
// of it. Thread-safe.
#ifndef MAILMESH_COMMON_SERVICE_CONTROL_SERVICE_H_
#define MAILMESH_COMMON_SERVICE_CONTROL_SERVICE_H_

#include <memory>
#include <string>

#include "common/base/worker_pool.h"
#include "common/service/lifecycle.h"
#include "common/service/peers.h"
#include "common/service/schema_state.h"
#include "common/service/session_registry.h"

namespace grpc {
class Service;
}

namespace mailmesh::service {

struct ControlDependencies {
  std::string role;
  // The effective configuration as YAML, without secrets.
  std::string config;
  Lifecycle& lifecycle;
  SchemaState& schema;
  SessionRegistry& sessions;
  Peers& peers;
  base::WorkerPool& pool;
};

// Everything outlives the server of the service.
std::unique_ptr<grpc::Service> MakeControlService(ControlDependencies dependencies);

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_CONTROL_SERVICE_H_
