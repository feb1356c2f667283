// Sees whether the I/O threads still turn: posts to each of them and looks whether the answer came.
//
// /livez and the supervisor's watchdog ask it. A thread counts as stuck when a beat has been waiting for longer than
// `patience`, for nothing on an I/O thread may take that long. Thread-safe.
#ifndef MAILMESH_COMMON_SERVICE_HEARTBEAT_H_
#define MAILMESH_COMMON_SERVICE_HEARTBEAT_H_

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace mailmesh::net {
class IoPool;
}

namespace mailmesh::service {

class Heartbeat {
 public:
  // `on_beat` is called each `interval` on the heartbeat's thread while all I/O threads turn.
  Heartbeat(net::IoPool& io, absl::Duration interval, absl::Duration patience, std::function<void()> on_beat);
  // Before the IoPool is destroyed.
  ~Heartbeat();

  // Unavailable, naming the thread, where one is stuck.
  absl::Status Check() const;

 private:
  struct Lane;
  void Loop();
  void Beat();

  net::IoPool& io_;
  const absl::Duration interval_;
  const absl::Duration patience_;
  const std::function<void()> on_beat_;
  // Shared with the beats that wait in the loops.
  std::vector<std::shared_ptr<Lane>> lanes_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_HEARTBEAT_H_
