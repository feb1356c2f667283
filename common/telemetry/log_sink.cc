#include "common/telemetry/log_sink.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace mailmesh::telemetry {

BufferedDescriptor::BufferedDescriptor(int descriptor, std::chrono::milliseconds interval, size_t limit)
    : descriptor_(descriptor), interval_(interval), limit_(limit) {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "log");
    Loop();
  });
}

BufferedDescriptor::~BufferedDescriptor() {
  Flush();
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    changed_.SignalAll();
  }
  give_up_ = true;
  thread_.join();
}

void BufferedDescriptor::Append(std::string_view line) {
  absl::MutexLock lock(&mutex_);
  if (buffer_.size() + line.size() > limit_) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const bool wake = buffer_.empty();
  buffer_ += line;
  appended_ += line.size();
  if (wake) changed_.SignalAll();
}

void BufferedDescriptor::Flush(std::chrono::milliseconds patience) {
  const absl::Time deadline = absl::Now() + absl::FromChrono(patience);
  absl::MutexLock lock(&mutex_);
  const uint64_t target = appended_;
  while (written_ < target) {
    hurry_ = true;
    changed_.SignalAll();
    if (changed_.WaitWithDeadline(&mutex_, deadline)) return;
  }
}

void BufferedDescriptor::Loop() {
  std::string batch;
  absl::MutexLock lock(&mutex_);
  while (true) {
    while (buffer_.empty() && !closing_) changed_.Wait(&mutex_);
    if (buffer_.empty()) return;
    const absl::Time deadline = absl::Now() + absl::FromChrono(interval_);
    while (!hurry_ && !closing_) {
      if (changed_.WaitWithDeadline(&mutex_, deadline)) break;
    }
    hurry_ = false;
    batch.swap(buffer_);
    mutex_.Unlock();
    WriteOut(batch);
    mutex_.Lock();
    written_ += batch.size();
    changed_.SignalAll();
    batch.clear();
    // One burst must not hold its memory for ever.
    if (batch.capacity() > (256u << 10)) batch.shrink_to_fit();
  }
}

void BufferedDescriptor::WriteOut(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(descriptor_, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(static_cast<size_t>(n));
      continue;
    }
    if (errno == EINTR) continue;
    // A log that cannot be written has nowhere to say so.
    if (errno != EAGAIN || give_up_) return;
    pollfd waiting{descriptor_, POLLOUT, 0};
    poll(&waiting, 1, 100);
  }
}

}  // namespace mailmesh::telemetry
