#include "common/base/worker_pool.h"

#include <pthread.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace mailmesh::base {

WorkerPool::WorkerPool(Options options) : options_(std::move(options)) {
  if (options_.threads < 1) options_.threads = 1;
  {
    absl::MutexLock lock(&mutex_);
    running_ = options_.threads;
  }
  threads_.reserve(options_.threads);
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this, i] {
      // The kernel takes 15 characters.
      pthread_setname_np(pthread_self(), absl::StrCat(options_.name.substr(0, 11), "-", i).substr(0, 15).c_str());
      Loop();
    });
  }
}

WorkerPool::~WorkerPool() { Shutdown(); }

// The depth is told under the lock: told after it, an older one could come last and stay.
absl::Status WorkerPool::Post(Work work) {
  absl::MutexLock lock(&mutex_);
  if (closed_) return absl::UnavailableError(absl::StrCat("pool ", options_.name, " is shut down"));
  if (queue_.size() >= options_.queue_limit) {
    if (options_.observer != nullptr) options_.observer->OnRefused();
    return absl::ResourceExhaustedError(absl::StrCat("pool ", options_.name, " has ", queue_.size(), " tasks waiting"));
  }
  queue_.push_back({std::move(work), std::chrono::steady_clock::now()});
  ready_.Signal();
  if (options_.observer != nullptr) options_.observer->OnQueueDepth(queue_.size());
  return absl::OkStatus();
}

bool WorkerPool::PostAlways(Work work) {
  absl::MutexLock lock(&mutex_);
  if (running_ == 0) return false;
  queue_.push_back({std::move(work), std::chrono::steady_clock::now()});
  ready_.Signal();
  return true;
}

void WorkerPool::Shutdown() {
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    ready_.SignalAll();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

size_t WorkerPool::queue_depth() const {
  absl::MutexLock lock(&mutex_);
  return queue_.size();
}

void WorkerPool::Loop() {
  while (true) {
    Item item;
    {
      absl::MutexLock lock(&mutex_);
      while (queue_.empty() && !closed_) ready_.Wait(&mutex_);
      if (queue_.empty()) {
        --running_;
        return;
      }
      item = std::move(queue_.front());
      queue_.pop_front();
      if (options_.observer != nullptr) options_.observer->OnQueueDepth(queue_.size());
    }
    if (options_.observer != nullptr) {
      options_.observer->OnTaskWait(std::chrono::steady_clock::now() - item.queued);
    }
    item.work();
  }
}

}  // namespace mailmesh::base
