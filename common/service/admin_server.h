// The HTTP port for Prometheus and probes: /metrics, /livez, /readyz. Nothing else is served, and nothing can be
// changed.
//
// A few threads of its own, apart from everything that it watches; requests are bounded in size and time by civetweb.
#ifndef MAILMESH_COMMON_SERVICE_ADMIN_SERVER_H_
#define MAILMESH_COMMON_SERVICE_ADMIN_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace mailmesh::service {

class AdminServer {
 public:
  // Called on the server's threads.
  struct Sources {
    std::function<std::string()> metrics;
    // What is wrong, one line each; nothing when all is well.
    std::function<std::vector<std::string>()> liveness;
    std::function<std::vector<std::string>()> readiness;
  };

  // `listen` is "host:port" with an address or "localhost"; port 0: the system chooses. AlreadyExists with a text that
  // says so when the port is taken.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(std::string_view listen, Sources sources);
  // Ends the threads.
  virtual ~AdminServer() = default;

  // "host:port" with the port that is really used.
  virtual const std::string& address() const = 0;
};

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_ADMIN_SERVER_H_
