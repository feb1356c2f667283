// Time as a dependency, so that tests decide what time it is.
//
// Now() is wall time and may jump; Monotonic() only goes forward and is for measuring and for deadlines inside the
// process. Implementations are thread-safe.
#ifndef MAILMESH_COMMON_BASE_CLOCK_H_
#define MAILMESH_COMMON_BASE_CLOCK_H_

#include <chrono>

#include "absl/time/time.h"

namespace mailmesh::base {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
  virtual std::chrono::steady_clock::time_point Monotonic() const = 0;

  // The system's clock; lives as long as the process.
  static Clock& Real();
};

}  // namespace mailmesh::base

#endif  // MAILMESH_COMMON_BASE_CLOCK_H_
