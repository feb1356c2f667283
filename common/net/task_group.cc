#include "common/net/task_group.h"

#include <algorithm>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>

namespace mailmesh::net {

TaskGroup::Token& TaskGroup::Token::operator=(Token&& other) noexcept {
  if (this != &other) {
    Done();
    group_ = std::exchange(other.group_, nullptr);
    id_ = other.id_;
  }
  return *this;
}

void TaskGroup::Token::Done() {
  if (group_ != nullptr) std::exchange(group_, nullptr)->Remove(id_);
}

TaskGroup::Token TaskGroup::Add(StreamHandle handle) {
  absl::MutexLock lock(&mutex_);
  // Under the lock: StartDrain() sets the mark first, so that either it sees this member or this sees the mark.
  if (draining()) handle.Interrupt();
  const uint64_t id = next_id_++;
  members_.emplace(id, std::move(handle));
  return Token(this, id);
}

size_t TaskGroup::size() const {
  absl::MutexLock lock(&mutex_);
  return members_.size();
}

void TaskGroup::StartDrain(Duration window) {
  absl::MutexLock lock(&mutex_);
  if (draining_.exchange(true, std::memory_order_acq_rel) || members_.empty()) return;
  const Duration step = window / static_cast<Duration::rep>(members_.size());
  Duration delay = Duration::zero();
  for (const auto& [id, handle] : members_) {
    if (delay <= Duration::zero()) {
      handle.Interrupt();
    } else {
      handle.InterruptAfter(delay);
    }
    delay += step;
  }
}

void TaskGroup::KillAll() {
  absl::MutexLock lock(&mutex_);
  for (const auto& [id, handle] : members_) handle.Cancel();
}

Awaitable<absl::Status> TaskGroup::WaitEmpty(TimePoint deadline) {
  Executor executor = co_await asio::this_coro::executor;
  for (;;) {
    auto event = std::make_shared<Event>(executor);
    {
      absl::MutexLock lock(&mutex_);
      if (members_.empty()) co_return absl::OkStatus();
      waiting_.push_back(event);
    }
    absl::Status status = co_await event->Wait(deadline);
    if (!status.ok()) {
      absl::MutexLock lock(&mutex_);
      std::erase(waiting_, event);
      co_return status;
    }
  }
}

void TaskGroup::Remove(uint64_t id) {
  absl::MutexLock lock(&mutex_);
  members_.erase(id);
  if (!members_.empty()) return;
  for (std::shared_ptr<Event>& event : waiting_) {
    const Executor executor = event->executor();
    asio::post(executor, [event = std::move(event)] { event->Notify(); });
  }
  waiting_.clear();
}

}  // namespace mailmesh::net
