// The certificates of the protocol ports: loaded, watched, reloaded on SIGHUP, their expiry in metrics. Thread-safe.
#ifndef MAILMESH_COMMON_SERVICE_TLS_CONTEXTS_H_
#define MAILMESH_COMMON_SERVICE_TLS_CONTEXTS_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/telemetry/metrics.h"

namespace mailmesh::config::v1 {
class MeshTlsConfig;
class ServerTlsConfig;
}  // namespace mailmesh::config::v1
namespace mailmesh::net {
class IoPool;
class TlsServerContext;
}  // namespace mailmesh::net

namespace mailmesh::service {

class TlsContexts {
 public:
  TlsContexts(net::IoPool& io, telemetry::Registry& registry);

  absl::StatusOr<std::shared_ptr<net::TlsServerContext>> Load(std::string_view name,
                                                              const config::v1::ServerTlsConfig& config);
  // The certificate of the gRPC endpoint, which common/rpc reloads: here for its expiry alone, as name="grpc".
  void WatchMeshCertificate(const config::v1::MeshTlsConfig& config);
  // Looks at all files now.
  void Reload();
  // FailedPrecondition where a certificate has expired: for readiness.
  absl::Status Check();

 private:
  void UpdateExpiry();
  void Report(std::string_view name, const absl::Status& status);

  net::IoPool& io_;
  const telemetry::GaugeFamily expiry_;
  const telemetry::CounterFamily reloads_;
  absl::Mutex mutex_;
  // Shared with the listeners' sessions.
  std::map<std::string, std::shared_ptr<net::TlsServerContext>, std::less<>> contexts_ ABSL_GUARDED_BY(mutex_);
  std::string mesh_certificate_ ABSL_GUARDED_BY(mutex_);
  telemetry::ScrapeHook hook_;
};

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_TLS_CONTEXTS_H_
