// What the two readers share: what is left of a set after a UID, and whether to go on after a failure.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_FETCH_UIDS_AFTER_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_FETCH_UIDS_AFTER_H_

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "common/imap/sequence_set.h"
#include "common/net/awaitable.h"
#include "common/net/sleep.h"
#include "common/rpc/retry.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {

// `uids` is resolved.
inline imap::SequenceSet UidsAfter(const imap::SequenceSet& uids, uint32_t uid) {
  imap::SequenceSet left;
  for (const imap::SequenceSet::Range& range : uids.ranges()) {
    if (range.last > uid) left.AddRange(std::max(range.first, uid + 1), range.last);
  }
  return left;
}

// Waits, growing with `failures` in a row; false: not to be tried again.
inline net::Awaitable<bool> PauseBeforeResume(absl::Status failure, int failures) {
  const absl::Time now = absl::Now();
  const auto pause = rpc::PauseBeforeRetry(StoreCalls::Policy(), failure, failures, absl::InfiniteFuture(), now);
  if (!pause.has_value()) co_return false;
  co_await net::SleepFor(absl::ToChronoMilliseconds(*pause));
  co_return true;
}

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_FETCH_UIDS_AFTER_H_
