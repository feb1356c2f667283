// Where lines of the log go: a bounded buffer in front of a descriptor, written out by a thread of its own.
//
// A line costs its caller a copy under a mutex; the thread sleeps while nothing is logged and gathers what comes within
// the flush interval into one write. When the descriptor takes nothing more (a pipe whose reader stopped), lines beyond
// the buffer's limit are dropped and counted. Thread-safe. Private to this folder.
#ifndef MAILMESH_COMMON_TELEMETRY_LOG_SINK_H_
#define MAILMESH_COMMON_TELEMETRY_LOG_SINK_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace mailmesh::telemetry {

class BufferedDescriptor {
 public:
  BufferedDescriptor(int descriptor, std::chrono::milliseconds interval, size_t limit);
  // Writes out what is there, without waiting for a reader that is stuck for more than a second.
  ~BufferedDescriptor();

  void Append(std::string_view line);
  // Returns when what was appended before is written, or after `patience`.
  void Flush(std::chrono::milliseconds patience = std::chrono::seconds(1));
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void Loop();
  void WriteOut(std::string_view text);

  const int descriptor_;
  const std::chrono::milliseconds interval_;
  const size_t limit_;
  std::atomic<uint64_t> dropped_{0};
  std::atomic<bool> give_up_{false};
  absl::Mutex mutex_;
  absl::CondVar changed_;
  std::string buffer_ ABSL_GUARDED_BY(mutex_);
  uint64_t appended_ ABSL_GUARDED_BY(mutex_) = 0;  // octets since the start
  uint64_t written_ ABSL_GUARDED_BY(mutex_) = 0;
  bool hurry_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mailmesh::telemetry

#endif  // MAILMESH_COMMON_TELEMETRY_LOG_SINK_H_
