// A clock for tests that stands still until it is told to advance. Thread-safe.
#ifndef MAILMESH_COMMON_BASE_FAKE_CLOCK_H_
#define MAILMESH_COMMON_BASE_FAKE_CLOCK_H_

#include "absl/synchronization/mutex.h"
#include "common/base/clock.h"

namespace mailmesh::base {

class FakeClock final : public Clock {
 public:
  explicit FakeClock(absl::Time start = absl::FromUnixSeconds(1'700'000'000)) : now_(start) {}

  absl::Time Now() const override {
    absl::MutexLock lock(&mutex_);
    return now_;
  }
  std::chrono::steady_clock::time_point Monotonic() const override {
    absl::MutexLock lock(&mutex_);
    return monotonic_;
  }
  void Advance(absl::Duration by) {
    absl::MutexLock lock(&mutex_);
    now_ += by;
    monotonic_ += absl::ToChronoNanoseconds(by);
  }
  // Moves wall time alone, as an administrator or NTP would.
  void Jump(absl::Time to) {
    absl::MutexLock lock(&mutex_);
    now_ = to;
  }

 private:
  mutable absl::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point monotonic_ ABSL_GUARDED_BY(mutex_){std::chrono::seconds(1'000'000)};
};

}  // namespace mailmesh::base

#endif  // MAILMESH_COMMON_BASE_FAKE_CLOCK_H_
