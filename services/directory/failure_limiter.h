// Slows repeated wrong passwords, by account and by address, over all gateways.
//
// Each failure adds one to the count of its account (of the name, so that names that do not exist are slowed too) and of its
// address; counts fade, halving every `half_life`. Beyond a few, the answer is held back, growing to `max_delay`. The answer
// is held back whether it is yes or no, or its quickness would tell. An address beyond its few has at most
// `max_under_way` passwords hashed or held back at once: it cannot make up by many connections for what each has to wait.
// Nobody is locked out: a right password is right however often it was guessed at, and from a place that has logged in to the
// account before it is not held back for what others do to the account.
//
// IPv6 addresses count by their /64. Addresses of this machine do not count: behind them sits a web mail or a proxy.
// Thread-safe. Limits: `capacity` entries in each of three tables, the oldest goes first; attempts under way are as many as
// calls.
#ifndef MAILMESH_SERVICES_DIRECTORY_FAILURE_LIMITER_H_
#define MAILMESH_SERVICES_DIRECTORY_FAILURE_LIMITER_H_

#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"

namespace mailmesh::directory {

class FailureLimiter {
 public:
  struct Options {
    size_t capacity = 100'000;
    absl::Duration half_life = absl::Minutes(5);
    // Failures that cost nothing.
    double free_for_account = 3;
    double free_for_address = 10;
    absl::Duration first_delay = absl::Milliseconds(250);
    absl::Duration max_delay = absl::Seconds(5);
    int max_under_way = 4;
    // How long a place that logged in is remembered.
    absl::Duration known_place = absl::Hours(24 * 7);
    const base::Clock* clock = &base::Clock::Real();
  };

  explicit FailureLimiter(Options options) : options_(options) {}

  // An attempt that has a password hashed, from before the hash until its answer has been given.
  class Attempt {
   public:
    Attempt() = default;
    Attempt(FailureLimiter* limiter, std::string address) : limiter_(limiter), address_(std::move(address)) {}
    Attempt(Attempt&& other) noexcept : limiter_(std::exchange(other.limiter_, nullptr)), address_(std::move(other.address_)) {}
    Attempt& operator=(Attempt&& other) noexcept {
      std::swap(limiter_, other.limiter_);
      std::swap(address_, other.address_);
      return *this;
    }
    ~Attempt() {
      if (limiter_ != nullptr) limiter_->Leave(address_);
    }

   private:
    FailureLimiter* limiter_ = nullptr;
    std::string address_;
  };

  // Nothing: too many are under way from this address. The limiter must outlive what it gives.
  std::optional<Attempt> Begin(std::string_view peer_address);

  // The verdict on an attempt is in: for how long to hold it back. Counts it.
  absl::Duration OnResult(std::string_view name, std::string_view peer_address, bool success);

  size_t size() const;

 private:
  // A bounded table of fading numbers.
  class Table {
   public:
    // The number as it is now; 0 where there is none.
    double Get(const std::string& key, std::chrono::steady_clock::time_point now, absl::Duration half_life) const;
    void Set(const std::string& key, double value, std::chrono::steady_clock::time_point now, size_t capacity);
    size_t size() const { return entries_.size(); }

   private:
    struct Entry {
      std::string key;
      double value;
      std::chrono::steady_clock::time_point at;
    };
    std::list<Entry> entries_;  // most recently set first
    std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
  };

  void Leave(const std::string& address);
  absl::Duration DelayFor(double failures, double free) const;

  const Options options_;
  mutable absl::Mutex mutex_;
  Table accounts_ ABSL_GUARDED_BY(mutex_);
  Table addresses_ ABSL_GUARDED_BY(mutex_);
  // (account, address) -> 1, fading over known_place.
  Table places_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<std::string, int> under_way_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_FAILURE_LIMITER_H_
