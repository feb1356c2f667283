// The protocol ports of a process: inherited or bound, their limits and metrics, closed together at a drain.
// Thread-safe.
#ifndef MAILMESH_COMMON_SERVICE_LISTENERS_H_
#define MAILMESH_COMMON_SERVICE_LISTENERS_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/net/listen_socket.h"
#include "common/net/listener.h"
#include "common/telemetry/metrics.h"

namespace mailmesh::config::v1 {
class ListenerConfig;
}

namespace mailmesh::service {

class Listeners {
 public:
  using Publish = std::function<void(std::string_view name, std::string_view address)>;

  Listeners(net::IoPool& io, telemetry::Registry& registry, net::InheritedSockets inherited, Publish publish);

  absl::StatusOr<bool> Start(std::string_view name, const config::v1::ListenerConfig& config,
                             net::ListenerOptions options, net::Listener::Handler handler);
  // No connection is taken after it returns.
  void Stop();
  // Those that are sessions, and those that may become one: 0 once the last that was taken has gone.
  size_t connections();
  // Whether a socket of this name was handed down.
  bool Inherits(std::string_view name);
  // Inherited sockets that no listener took: a mistake of whoever started us.
  std::vector<std::string> Unused();

 private:
  struct Open {
    std::unique_ptr<net::Listener> listener;
    telemetry::Gauge sessions;
    telemetry::Counter accepted;
    telemetry::Counter refused;
  };

  absl::StatusOr<std::vector<net::ListenSocket>> Sockets(std::string_view name,
                                                         const config::v1::ListenerConfig& config);
  void Update();

  net::IoPool& io_;
  const Publish publish_;
  const telemetry::GaugeFamily sessions_;
  const telemetry::GaugeFamily limit_;
  const telemetry::CounterFamily accepted_;
  const telemetry::CounterFamily refused_;
  absl::Mutex mutex_;
  net::InheritedSockets inherited_ ABSL_GUARDED_BY(mutex_);
  std::vector<Open> open_ ABSL_GUARDED_BY(mutex_);
  telemetry::ScrapeHook hook_;
};

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_LISTENERS_H_
