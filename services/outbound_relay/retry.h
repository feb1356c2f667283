// When a message is tried again (RFC 5321, 4.5.4.1): intervals that double from the shortest to the longest, plus or minus 20 %.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_RETRY_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_RETRY_H_

#include <cstdint>

#include "absl/time/time.h"

namespace mailmesh::outbound_relay {

// After attempt number `attempts` (from 1). `random` in [0, 1) spreads what failed together.
absl::Duration RetryInterval(absl::Duration shortest, absl::Duration longest, uint32_t attempts, double random);

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_RETRY_H_
