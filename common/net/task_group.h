// The sessions that run, so that a drain can ask them to end, wait, and at last end them.
//
// Flow: session: auto token = group.Add(stream.handle()); ... at each command boundary: if (group.draining()) goodbye.
//       drain: group.StartDrain(window); ok = co_await group.WaitEmpty(deadline); if not, group.KillAll() and again.
// Thread-safety: all methods from any thread. The group must outlive its tokens.
#ifndef MAILMESH_COMMON_NET_TASK_GROUP_H_
#define MAILMESH_COMMON_NET_TASK_GROUP_H_

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "common/net/awaitable.h"
#include "common/net/event.h"
#include "common/net/stream.h"

namespace mailmesh::net {

class TaskGroup {
 public:
  // Membership; ends when destroyed.
  class Token {
   public:
    Token() = default;
    Token(Token&& other) noexcept : group_(std::exchange(other.group_, nullptr)), id_(other.id_) {}
    Token& operator=(Token&& other) noexcept;
    ~Token() { Done(); }
    void Done();

   private:
    friend class TaskGroup;
    Token(TaskGroup* group, uint64_t id) : group_(group), id_(id) {}
    TaskGroup* group_ = nullptr;
    uint64_t id_ = 0;
  };

  TaskGroup() = default;
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // A session with its connection, or (empty handle) work that has none and looks at draining() itself.
  // One that comes during a drain is interrupted at once.
  Token Add(StreamHandle handle = StreamHandle());
  size_t size() const;

  bool draining() const { return draining_.load(std::memory_order_acquire); }
  // Marks the group and interrupts the members' WaitReadable(), spread evenly over `window` (all reconnecting at once
  // would be a storm).
  void StartDrain(Duration window = Duration::zero());
  // Cancel() for every stream.
  void KillAll();
  // Ok when nobody is left; DeadlineExceeded.
  Awaitable<absl::Status> WaitEmpty(TimePoint deadline);

 private:
  void Remove(uint64_t id);

  std::atomic<bool> draining_{false};
  mutable absl::Mutex mutex_;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, StreamHandle> members_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Event>> waiting_ ABSL_GUARDED_BY(mutex_);  // shared with the posted notification
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_TASK_GROUP_H_
