// Lets a column's compactions rest for a while after one has failed: they met a damaged file, or a disk that fails.
//
// Such a compaction changes nothing. But RocksDB would try it again every second, reading all that it read before, and would stop the
// writes of all columns once enough flushed files wait for it. So that column's compactions are switched off (which lets files pile up
// freely: reads there grow slower) and on again after a pause, which doubles with each failure and is forgotten when they have gone on for
// as long without one. Other columns are compacted all the while.
//
// Flow: Failed() by RocksDB's threads -> a thread of its own calls `set(column, true)`, and `set(column, false)` when the pause is over.
// Thread-safe.
#ifndef MAILMESH_COMMON_KV_COMPACTION_REST_H_
#define MAILMESH_COMMON_KV_COMPACTION_REST_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace mailmesh::kv {

class CompactionRest {
 public:
  // At most 64 times this pause.
  explicit CompactionRest(std::chrono::milliseconds pause) : pause_(absl::FromChrono(pause)) {}
  // Stop().
  ~CompactionRest();
  CompactionRest(const CompactionRest&) = delete;
  CompactionRest& operator=(const CompactionRest&) = delete;

  // What failed before is taken up then.
  void Start(std::function<void(uint32_t column, bool rests)> set);
  // `set` is not called any more.
  void Stop();

  void Failed(uint32_t column);

  // Columns that rest, or were tried again and have not gone on for long enough.
  size_t columns() const;

 private:
  struct Column {
    int failures = 0;
    bool rests = false;
    // When it is tried again, or, if it does not rest, forgotten.
    absl::Time until;
  };
  void Loop();

  const absl::Duration pause_;
  std::function<void(uint32_t, bool)> set_;
  mutable absl::Mutex mutex_;
  std::set<uint32_t> failed_ ABSL_GUARDED_BY(mutex_);
  std::map<uint32_t, Column> columns_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mailmesh::kv

#endif  // MAILMESH_COMMON_KV_COMPACTION_REST_H_
