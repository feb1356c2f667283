#include "common/base/rate_limiter.h"

#include <algorithm>

namespace mailmesh::base {
namespace {

// A sweep looks at every key; between two of them a key that is in the way is dropped unseen.
constexpr std::chrono::seconds kSweepInterval{1};

}  // namespace

bool RateLimiter::Take(std::string_view key) {
  if (options_.burst == 0) return true;
  const TimePoint now = options_.clock->Monotonic();
  absl::MutexLock lock(&mutex_);
  auto found = full_at_.find(std::string(key));
  const TimePoint from = found == full_at_.end() ? now : std::max(now, found->second);
  if (from + Interval() - now > options_.period) return false;
  if (found == full_at_.end()) {
    if (full_at_.size() >= options_.max_keys) MakeRoom(now);
    found = full_at_.emplace(key, now).first;
  }
  found->second = from + Interval();
  return true;
}

bool RateLimiter::Exhausted(std::string_view key) const {
  if (options_.burst == 0) return false;
  const TimePoint now = options_.clock->Monotonic();
  absl::MutexLock lock(&mutex_);
  const auto found = full_at_.find(std::string(key));
  return found != full_at_.end() && found->second + Interval() - now > options_.period;
}

size_t RateLimiter::keys() const {
  absl::MutexLock lock(&mutex_);
  return full_at_.size();
}

void RateLimiter::MakeRoom(TimePoint now) {
  if (now - swept_at_ >= kSweepInterval) {
    swept_at_ = now;
    std::erase_if(full_at_, [now](const auto& entry) { return entry.second <= now; });
  }
  if (full_at_.size() >= options_.max_keys) full_at_.erase(full_at_.begin());
}

}  // namespace mailmesh::base
