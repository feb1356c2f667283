// The coroutine type and the clock that all asynchronous code of the project uses.
#ifndef MAILMESH_COMMON_NET_AWAITABLE_H_
#define MAILMESH_COMMON_NET_AWAITABLE_H_

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <chrono>

namespace mailmesh::net {

template <typename T>
using Awaitable = asio::awaitable<T>;
using Executor = asio::any_io_executor;

using Clock = std::chrono::steady_clock;
using Duration = Clock::duration;
using TimePoint = Clock::time_point;

// No deadline.
inline constexpr TimePoint kNever = TimePoint::max();

// `timeout` from now; kNever where that lies beyond the clock.
inline TimePoint After(Duration timeout) {
  TimePoint now = Clock::now();
  return timeout >= kNever - now ? kNever : now + timeout;
}

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_AWAITABLE_H_
