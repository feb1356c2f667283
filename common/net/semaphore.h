// A counted limit that coroutines of one executor share; first come, first served.
//
// Thread-safety: none; all calls, and the release of permits, on the executor given. It must outlive its permits.
#ifndef MAILMESH_COMMON_NET_SEMAPHORE_H_
#define MAILMESH_COMMON_NET_SEMAPHORE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <list>
#include <utility>

#include "common/net/awaitable.h"

namespace mailmesh::net {

class Semaphore {
 public:
  // One unit; gives it back when destroyed.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept;
    ~Permit() { Release(); }
    void Release();

   private:
    friend class Semaphore;
    explicit Permit(Semaphore* owner) : owner_(owner) {}
    Semaphore* owner_ = nullptr;
  };

  Semaphore(Executor executor, size_t units) : executor_(std::move(executor)), free_(units) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  // DeadlineExceeded when no unit came free in time.
  Awaitable<absl::StatusOr<Permit>> Acquire(TimePoint deadline = kNever);
  size_t free() const { return free_; }

 private:
  struct Waiter;
  void Return();

  Executor executor_;
  size_t free_;
  std::list<Waiter*> queue_;
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_SEMAPHORE_H_
