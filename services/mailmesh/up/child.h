// One process of the mesh: how it is started, watched, started again when it dies, and stopped.
//
// Not thread-safe: the supervisor is one thread.
#ifndef MAILMESH_SERVICES_MAILMESH_UP_CHILD_H_
#define MAILMESH_SERVICES_MAILMESH_UP_CHILD_H_

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace mailmesh::up {

struct ChildSpec {
  std::string name;  // instance, as in endpoints.json
  std::string program;
  std::string config_file;
  std::string endpoints_file;
  std::string notify_socket;
  // What becomes its standard output and error; ours where it is -1.
  int output = -1;
  // Listeners handed down: name and our descriptor, which stays open here.
  std::vector<std::pair<std::string, int>> listeners;
};

class Child {
 public:
  explicit Child(ChildSpec spec) : spec_(std::move(spec)) {}

  const std::string& name() const { return spec_.name; }
  pid_t pid() const { return pid_; }
  bool running() const { return pid_ > 0; }
  bool ready() const { return ready_; }

  absl::Status Start(absl::Time now);
  void SetReady() { ready_ = true; }
  // It says that it needs until then to be ready.
  void NeedsUntil(absl::Time when) { needs_until_ = when; }
  absl::Time needs_until() const { return needs_until_; }

  // The process ended with this wait status. Returns a line that says so, and plans the next start: at once after a
  // long life, else after a delay that doubles from 100 ms to 30 s.
  std::string Ended(int wait_status, absl::Time now);
  bool DueToStart(absl::Time now) const { return !running() && now >= next_start_; }
  absl::Time next_start() const { return next_start_; }

  void Signal(int signal_number) const;

 private:
  ChildSpec spec_;
  pid_t pid_ = -1;
  bool ready_ = false;
  absl::Time needs_until_ = absl::InfinitePast();
  absl::Time started_;
  absl::Time next_start_ = absl::InfinitePast();
  absl::Duration delay_ = absl::ZeroDuration();
};

}  // namespace mailmesh::up

#endif  // MAILMESH_SERVICES_MAILMESH_UP_CHILD_H_
