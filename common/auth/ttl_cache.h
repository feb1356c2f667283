// A bounded table of answers, each with the time until which it is fresh. What is no longer fresh stays until it is pushed
// out or older than it may be used at all, for the case that nothing newer can be had.
//
// Thread-safe. Limits: `capacity` entries, least recently used goes first.
#ifndef MAILMESH_COMMON_AUTH_TTL_CACHE_H_
#define MAILMESH_COMMON_AUTH_TTL_CACHE_H_

#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace mailmesh::auth {

template <class Value>
class TtlCache {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Hit {
    Value value;
    Time fresh_until;
  };

  explicit TtlCache(size_t capacity) : capacity_(capacity) {}

  // Fresh or not; the caller looks at fresh_until.
  std::optional<Hit> Get(const std::string& key) {
    absl::MutexLock lock(&mutex_);
    auto it = by_key_.find(key);
    if (it == by_key_.end()) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, it->second);
    return it->second->hit;
  }

  void Put(const std::string& key, Value value, Time fresh_until) {
    absl::MutexLock lock(&mutex_);
    auto it = by_key_.find(key);
    if (it != by_key_.end()) {
      it->second->hit = Hit{std::move(value), fresh_until};
      entries_.splice(entries_.begin(), entries_, it->second);
      return;
    }
    entries_.push_front(Entry{key, Hit{std::move(value), fresh_until}});
    by_key_.emplace(key, entries_.begin());
    if (entries_.size() <= capacity_) return;
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }

  void Clear() {
    absl::MutexLock lock(&mutex_);
    by_key_.clear();
    entries_.clear();
  }

  size_t size() const {
    absl::MutexLock lock(&mutex_);
    return entries_.size();
  }

 private:
  struct Entry {
    std::string key;
    Hit hit;
  };

  const size_t capacity_;
  mutable absl::Mutex mutex_;
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // most recently used first
  std::unordered_map<std::string, typename std::list<Entry>::iterator> by_key_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailmesh::auth

#endif  // MAILMESH_COMMON_AUTH_TTL_CACHE_H_
