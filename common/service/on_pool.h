// Blocking work from a coroutine: runs a function on a worker pool and comes back to the coroutine's own executor.
//
//   absl::StatusOr<Reply> reply = co_await OnPool(pool, std::move(work));   // work: a callable returning Reply or
//                                                                           // StatusOr<Reply> or Status
// `work` is not a coroutine, so it may capture; make it a named local first and move it in (GCC 12 destroys temporaries
// of a co_await expression twice). ResourceExhausted or Unavailable when the pool refuses. The work cannot be
// cancelled: it holds what it needs by value.
#ifndef MAILMESH_COMMON_SERVICE_ON_POOL_H_
#define MAILMESH_COMMON_SERVICE_ON_POOL_H_

#include <asio/any_io_executor.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/worker_pool.h"

namespace mailmesh::service {

namespace on_pool_internal {

template <class T>
struct ResultOf {
  using type = absl::StatusOr<T>;
};
template <>
struct ResultOf<absl::Status> {
  using type = absl::Status;
};
template <>
struct ResultOf<void> {
  using type = absl::Status;
};
template <class T>
struct ResultOf<absl::StatusOr<T>> {
  using type = absl::StatusOr<T>;
};

template <class Result, class Work>
Result Invoke(Work& work) {
  if constexpr (std::is_void_v<std::invoke_result_t<Work&>>) {
    work();
    return absl::OkStatus();
  } else {
    return work();
  }
}

}  // namespace on_pool_internal

template <class Work, class Result = typename on_pool_internal::ResultOf<std::invoke_result_t<Work&>>::type>
asio::awaitable<Result> OnPool(base::WorkerPool& pool, Work work) {
  using Signature = void(std::optional<Result>);
  auto initiate = [&pool](auto handler, Work work) {
    auto executor = asio::get_associated_executor(handler);
    // The guard keeps the I/O loop from ending while only the pool works for it.
    auto guard = asio::make_work_guard(executor);
    using Handler = decltype(handler);
    // Shared, for a refused task is destroyed with everything in it while the handler must still be called.
    auto shared = std::make_shared<Handler>(std::move(handler));
    auto finish = [](auto executor, std::shared_ptr<Handler> handler, std::optional<Result> result) {
      asio::post(executor, [handler = std::move(handler), result = std::move(result)]() mutable {
        (*handler)(std::move(result));
      });
    };
    const absl::Status posted = pool.Post([work = std::move(work), shared, executor, guard, finish]() mutable {
      finish(executor, std::move(shared), std::optional<Result>(on_pool_internal::Invoke<Result>(work)));
    });
    if (!posted.ok()) finish(executor, std::move(shared), std::optional<Result>(Result(posted)));
  };
  std::optional<Result> result = co_await asio::async_initiate<const asio::use_awaitable_t<>, Signature>(
      std::move(initiate), asio::use_awaitable, std::move(work));
  co_return std::move(*result);
}

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_ON_POOL_H_
