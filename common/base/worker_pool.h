// A named pool of threads for work that blocks: RocksDB, password hashing, name resolution.
//
// I/O and gRPC threads hand such work over and never do it themselves. The queue is bounded: a full one refuses, so
// that overload becomes an error for the peer at once and not a growing memory. Work that was accepted always runs,
// also during Shutdown. Work must not throw. Thread-safe. Coroutines use common/service/on_pool.h.
#ifndef MAILMESH_COMMON_BASE_WORKER_POOL_H_
#define MAILMESH_COMMON_BASE_WORKER_POOL_H_

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace mailmesh::base {

class WorkerPool {
 public:
  using Work = absl::AnyInvocable<void()>;

  // What a pool tells about itself; called on its threads and its callers', often: be quick.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void OnQueueDepth(size_t depth) = 0;
    virtual void OnTaskWait(std::chrono::nanoseconds waited) = 0;
    virtual void OnRefused() = 0;
  };

  struct Options {
    // At most 11 characters show as thread name.
    std::string name;
    int threads = 1;
    size_t queue_limit = 10'000;
    // May be null; must outlive the pool.
    Observer* observer = nullptr;
  };

  explicit WorkerPool(Options options);
  // Runs what was accepted, then ends the threads.
  ~WorkerPool();

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // ResourceExhausted when the queue is full, Unavailable after Shutdown; `work` is then destroyed without having run.
  absl::Status Post(Work work);
  // Ignores the queue's limit; for the continuation of work that was accepted already, so it is taken during Shutdown
  // too. False once all threads have ended.
  bool PostAlways(Work work);

  // Refuses new work, waits for the accepted. Must not be called by the pool's own threads.
  void Shutdown();

  const std::string& name() const { return options_.name; }
  int threads() const { return options_.threads; }
  size_t queue_depth() const;

 private:
  struct Item {
    Work work;
    std::chrono::steady_clock::time_point queued;
  };

  void Loop();

  Options options_;
  mutable absl::Mutex mutex_;
  absl::CondVar ready_;
  std::deque<Item> queue_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  // Threads that will look at the queue again.
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::thread> threads_;
};

}  // namespace mailmesh::base

#endif  // MAILMESH_COMMON_BASE_WORKER_POOL_H_
