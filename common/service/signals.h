// The signals of a process, taken by one thread of its own instead of by handlers.
//
// Flow: Signals::Block() in main before any thread starts; then a Signals object. SIGTERM or SIGINT: on_end, once; a
// second one: on_second. SIGHUP: on_reload. The callbacks run on that thread.
#ifndef MAILMESH_COMMON_SERVICE_SIGNALS_H_
#define MAILMESH_COMMON_SERVICE_SIGNALS_H_

#include <atomic>
#include <functional>
#include <thread>

namespace mailmesh::service {

class Signals {
 public:
  struct Callbacks {
    std::function<void()> on_end;
    std::function<void()> on_second;
    std::function<void()> on_reload;
  };

  // In this thread and all that it starts.
  static void Block();

  explicit Signals(Callbacks callbacks);
  ~Signals();

 private:
  void Loop();

  const Callbacks callbacks_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_SIGNALS_H_
