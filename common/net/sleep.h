// Waiting for time to pass, inside a coroutine.
#ifndef MAILMESH_COMMON_NET_SLEEP_H_
#define MAILMESH_COMMON_NET_SLEEP_H_

#include "common/net/awaitable.h"

namespace mailmesh::net {

Awaitable<void> SleepFor(Duration duration);
Awaitable<void> SleepUntil(TimePoint when);
// Lets everything else that is ready on this executor run first.
Awaitable<void> Yield();

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_SLEEP_H_
