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
class MethodMetrics;
}

class Metrics {
 public:
  explicit Metrics(telemetry::Registry& registry);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Valid as long as this object. `path` is "/package.Service/Method", `type` "unary", "client_stream", ... Thread-safe.
  const rpc_internal::MethodMetrics* Server(std::string_view path, std::string_view type);
  const rpc_internal::MethodMetrics* Client(std::string_view target, std::string_view path, std::string_view type);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_METRICS_H_
