// How often something may happen for each of many keys (addresses, accounts): a bucket for each that holds `burst` and
// fills with as much in every `period`, evenly. Kept as one instant a key (the generic cell rate algorithm): the time at
// which the bucket is full again.
//
// Thread-safe. Limits: `max_keys` keys. Those whose buckets are full again are forgotten first, which changes nothing; then
// any: somebody who can send from more addresses than are remembered gets through, and the memory stays bounded.
#ifndef MAILMESH_COMMON_BASE_RATE_LIMITER_H_
#define MAILMESH_COMMON_BASE_RATE_LIMITER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/base/clock.h"

namespace mailmesh::base {

class RateLimiter {
 public:
  using Duration = std::chrono::steady_clock::duration;

  struct Options {
    uint32_t burst = 0;  // 0: no limit, and nothing is remembered
    Duration period = std::chrono::minutes(1);
    size_t max_keys = 100'000;
    const Clock* clock = &Clock::Real();
  };

  explicit RateLimiter(Options options) : options_(options) {}

  // Takes one out of the key's bucket; false when it is empty, and then nothing is taken.
  bool Take(std::string_view key);
  // The same question without taking.
  bool Exhausted(std::string_view key) const;

  size_t keys() const;

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  Duration Interval() const { return options_.period / options_.burst; }
  void MakeRoom(TimePoint now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  mutable absl::Mutex mutex_;
  std::unordered_map<std::string, TimePoint> full_at_ ABSL_GUARDED_BY(mutex_);
  TimePoint swept_at_ ABSL_GUARDED_BY(mutex_){};
};

}  // namespace mailmesh::base

#endif  // MAILMESH_COMMON_BASE_RATE_LIMITER_H_
