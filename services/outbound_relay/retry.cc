#include "services/outbound_relay/retry.h"

#include <algorithm>

namespace mailmesh::outbound_relay {

absl::Duration RetryInterval(absl::Duration shortest, absl::Duration longest, uint32_t attempts, double random) {
  absl::Duration interval = shortest;
  for (uint32_t i = 1; i < attempts && interval < longest; ++i) interval *= 2;
  return std::min(interval, longest) * (0.8 + 0.4 * random);
}

}  // namespace mailmesh::outbound_relay
