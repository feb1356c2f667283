// The threads that do I/O: n io_contexts with one thread each. A session lives on one of them and needs no lock.
//
// Flow: IoPool pool(options); pool.Start(); ... Spawn(pool.Next().get_executor(), ...) ...; pool.Stop().
// Thread-safety: Next(), at() and size() from any thread; Start() and Stop() from one thread that is not of the pool.
// Stop() abandons what still waits (frames are destroyed with the pool): drain first (task_group.h).
// Side effect: ignores SIGPIPE in the whole process, because OpenSSL writes with write(2).
#ifndef MAILMESH_COMMON_NET_IO_POOL_H_
#define MAILMESH_COMMON_NET_IO_POOL_H_

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace mailmesh::net {

class IoPool {
 public:
  // `threads` = 0: one for each processor. Threads are called `<name>-<i>` (cut at 15 octets, as the kernel does).
  explicit IoPool(size_t threads = 0, std::string name = "io");
  ~IoPool();
  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;

  void Start();
  // Stops the loops and joins the threads. Idempotent.
  void Stop();

  // Round robin.
  asio::io_context& Next();
  asio::io_context& at(size_t i) { return lanes_.at(i)->context; }
  size_t size() const { return lanes_.size(); }

 private:
  using WorkGuard = asio::executor_work_guard<asio::io_context::executor_type>;
  // Asio ends the handlers of a context when it destroys it. What they hold may belong to another lane, so all handlers
  // have to end before the first lane goes.
  struct Context : asio::io_context {
    using asio::io_context::io_context;
    void EndHandlers() { shutdown(); }
  };
  struct Lane {
    Lane() : context(1), work(context.get_executor()) {}
    Context context;
    WorkGuard work;
    std::thread thread;
  };

  void Run(size_t i);

  const std::string name_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<size_t> next_{0};
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_IO_POOL_H_
