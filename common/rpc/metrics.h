// grpc_server_* and grpc_client_*: rate, errors, duration and messages of all calls, under the names of go-grpc-prometheus.
//
// One object for a process, given to its Server and its channels; it outlives both. Counting costs well below a
// microsecond a call: handles are resolved once for each method.
// Labels: grpc_type, grpc_service, grpc_method, grpc_code; grpc_client_* also grpc_target, the name of the role called,
// never a host. Methods that a server does not have are not counted: their names are the peer's choice.
#ifndef MAILMESH_COMMON_RPC_METRICS_H_
#define MAILMESH_COMMON_RPC_METRICS_H_

#include <memory>
#include <string_view>

#include "common/telemetry/metrics.h"

namespace mailmesh::rpc {

namespace rpc_internal {
class MethodTable;
}

class Metrics {
 public:
  explicit Metrics(telemetry::Registry& registry);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The methods served here, and those called at a role. Valid as long as this object. Thread-safe.
  rpc_internal::MethodTable* Server();
  rpc_internal::MethodTable* Client(std::string_view target);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_METRICS_H_
