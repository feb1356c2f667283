#include "common/net/sleep.h"

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

namespace mailmesh::net {

Awaitable<void> SleepFor(Duration duration) { return SleepUntil(After(duration)); }

Awaitable<void> SleepUntil(TimePoint when) {
  Executor executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, when);
  asio::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

Awaitable<void> Yield() {
  Executor executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, asio::use_awaitable);
}

}  // namespace mailmesh::net
