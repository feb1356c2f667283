// The directory's parts, wired: database, editor, log-in and the three gRPC services. What App adds is the process around
// it; tests use it without one.
#ifndef MAILMESH_SERVICES_DIRECTORY_CORE_H_
#define MAILMESH_SERVICES_DIRECTORY_CORE_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/worker_pool.h"
#include "common/net/io_pool.h"
#include "common/telemetry/metrics.h"
#include "mailmesh/config/v1/directory.pb.h"

namespace grpc {
class Service;
}

namespace mailmesh::directory {

class Core {
 public:
  // All must outlive the core; the pools must have ended, or have nothing of it left to do, when it is destroyed.
  struct Surroundings {
    net::IoPool& io;
    base::WorkerPool& database_pool;
    base::WorkerPool& edit_pool;
    base::WorkerPool& hash_pool;
    telemetry::Registry& registry;
    const base::Clock& clock;
    // The database cannot go on: end the process.
    std::function<void(const absl::Status&)> on_fatal;
  };

  static absl::StatusOr<std::unique_ptr<Core>> Create(const config::v1::DirectoryConfig& config, Surroundings surroundings);
  virtual ~Core() = default;

  virtual std::vector<grpc::Service*> services() = 0;
  // For /readyz: the database takes writes.
  virtual absl::Status Ready() const = 0;
  // After the last call: writes what was accepted.
  virtual void Stop() = 0;
};

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_CORE_H_
