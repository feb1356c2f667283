// Refuses growth before the disk is full, because RocksDB 7.8 does not survive a full one (it aborts, 10 of 12 runs).
//
// A thread looks at the free space every 20 ms. Below the floor Admit() refuses what grows; reading and deleting go on. What was
// admitted since the last look is subtracted, so that a burst between two looks cannot overrun the floor. When somebody
// else eats on (below half of the floor), the ballast file is given up, so that memtables can still be flushed; it is
// made again once there is room for it and as much again. Everything recovers by itself.
// Thread-safe.
#ifndef MAILMESH_COMMON_KV_FREE_SPACE_GUARD_H_
#define MAILMESH_COMMON_KV_FREE_SPACE_GUARD_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace mailmesh::kv {

class FreeSpaceGuard {
 public:
  struct Options {
    // A folder of the file system that is watched (the database's, made when missing); the ballast lies in it.
    std::string folder;
    uint64_t floor_bytes = 64 << 20;
    // 0: no ballast.
    uint64_t ballast_bytes = 32 << 20;
    std::chrono::milliseconds interval{20};
    // Octets free for this user; null: statvfs of the folder.
    std::function<absl::StatusOr<uint64_t>()> free_bytes{};
    // Called on the guard's thread when growth begins to be refused (true) and when it is taken again (false). Null: it is logged.
    std::function<void(bool low, uint64_t free_bytes)> on_change{};
  };

  // Looks once before it returns (and gives the ballast up if need be): make it before opening the database.
  explicit FreeSpaceGuard(Options options);
  ~FreeSpaceGuard();
  FreeSpaceGuard(const FreeSpaceGuard&) = delete;
  FreeSpaceGuard& operator=(const FreeSpaceGuard&) = delete;

  // OK, or DiskFullError. `octets`: about how much will be written to the log.
  absl::Status Admit(uint64_t octets);

  bool low() const { return low_.load(std::memory_order_relaxed); }
  // Also what compactions may take is gone: half of the floor is for flushes and the log alone. Above it they can go on, so that
  // deleting helps where the database itself has filled the disk.
  bool short_of_space() const { return free_bytes() < options_.floor_bytes / 2; }
  uint64_t free_bytes() const { return free_.load(std::memory_order_relaxed); }
  bool has_ballast() const { return ballast_.load(std::memory_order_relaxed); }

  // Looks now; for tests.
  void LookForTest() { Look(); }

 private:
  void Loop();
  void Look();
  void GiveBallastUp();
  void MakeBallast();

  Options options_;
  std::string ballast_path_;
  std::atomic<bool> low_{false};
  std::atomic<bool> ballast_{false};
  std::atomic<uint64_t> free_{0};
  // How much may still be admitted before the next look.
  std::atomic<int64_t> room_{0};
  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Mutex looking_;
  std::thread thread_;
};

}  // namespace mailmesh::kv

#endif  // MAILMESH_COMMON_KV_FREE_SPACE_GUARD_H_
