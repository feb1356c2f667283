// The protocol of sd_notify(3): tells systemd, or our own supervisor, that the process starts, is ready, stops, or still lives.
//
// Without NOTIFY_SOCKET all of it does nothing. The variables are taken out of the environment, so that no child speaks
// for us. Thread-safe.
#ifndef MAILMESH_COMMON_SERVICE_SUPERVISOR_NOTIFY_H_
#define MAILMESH_COMMON_SERVICE_SUPERVISOR_NOTIFY_H_

#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace mailmesh::service {

class SupervisorNotify {
 public:
  // On the main thread, before others start: changes the environment.
  static SupervisorNotify FromEnvironment();
  explicit SupervisorNotify(std::string socket_path = "", absl::Duration watchdog = absl::InfiniteDuration())
      : socket_path_(std::move(socket_path)), watchdog_(watchdog) {}

  // While it starts: the supervisor is to wait for a minute more, whatever its limit.
  void Starting() const { Send("EXTEND_TIMEOUT_USEC=60000000\nSTATUS=starting"); }
  void Ready() const { Send("READY=1\nSTATUS=serving"); }
  void Stopping() const { Send("STOPPING=1\nSTATUS=draining"); }
  void Alive() const { Send("WATCHDOG=1"); }
  // How long the supervisor waits for Alive(); infinite where it does not.
  absl::Duration watchdog() const { return watchdog_; }

 private:
  void Send(std::string_view state) const;

  std::string socket_path_;
  absl::Duration watchdog_;
};

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_SUPERVISOR_NOTIFY_H_
