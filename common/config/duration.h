// Durations of a configuration as the types that code counts in. The loader has checked their ranges. Thread-safe.
#ifndef MAILMESH_COMMON_CONFIG_DURATION_H_
#define MAILMESH_COMMON_CONFIG_DURATION_H_

#include <google/protobuf/duration.pb.h>

#include <chrono>

#include "absl/time/time.h"

namespace mailmesh::config {

inline absl::Duration ToAbsl(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

// What timers on sockets take (net::Duration).
inline std::chrono::nanoseconds ToChrono(const google::protobuf::Duration& duration) {
  return std::chrono::seconds(duration.seconds()) + std::chrono::nanoseconds(duration.nanos());
}

}  // namespace mailmesh::config

#endif  // MAILMESH_COMMON_CONFIG_DURATION_H_
