#include "common/service/on_pool.h"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <memory>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "common/net/io_pool.h"
#include "common/net/spawn.h"

namespace mailmesh::service {
namespace {

struct Seen {
  absl::Notification done;
  std::thread::id before, after, worker;
  absl::Status status = absl::UnknownError("not run");
  std::string value;
};

net::Awaitable<void> Ask(base::WorkerPool& pool, Seen& seen) {
  seen.before = std::this_thread::get_id();
  auto work = [&seen, owned = std::make_unique<int>(7)] {
    seen.worker = std::this_thread::get_id();
    return std::to_string(*owned);
  };
  const absl::StatusOr<std::string> value = co_await OnPool(pool, std::move(work));
  seen.after = std::this_thread::get_id();
  seen.status = value.status();
  if (value.ok()) seen.value = *value;
  seen.done.Notify();
}

TEST(OnPoolTest, RunsElsewhereAndComesBack) {
  net::IoPool io(1);
  io.Start();
  base::WorkerPool pool({.name = "test", .threads = 1});
  Seen seen;
  net::Spawn(io.Next().get_executor(), Ask(pool, seen), "test");
  seen.done.WaitForNotification();
  EXPECT_TRUE(seen.status.ok()) << seen.status;
  EXPECT_EQ(seen.value, "7");
  EXPECT_EQ(seen.before, seen.after);
  EXPECT_NE(seen.before, seen.worker);
  io.Stop();
}

TEST(OnPoolTest, ARefusalIsAnError) {
  net::IoPool io(1);
  io.Start();
  base::WorkerPool pool({.name = "test", .threads = 1});
  pool.Shutdown();
  Seen seen;
  net::Spawn(io.Next().get_executor(), Ask(pool, seen), "test");
  seen.done.WaitForNotification();
  EXPECT_EQ(seen.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(seen.before, seen.after);
  io.Stop();
}

net::Awaitable<void> AskForAll(base::WorkerPool& pool, absl::Notification& done) {
  auto nothing = [] {};
  const absl::Status status = co_await OnPool(pool, std::move(nothing));
  EXPECT_TRUE(status.ok());
  auto failing = [] { return absl::AbortedError("no"); };
  const absl::Status failed = co_await OnPool(pool, std::move(failing));
  EXPECT_EQ(failed, absl::AbortedError("no"));
  auto missing = []() -> absl::StatusOr<std::unique_ptr<int>> { return absl::NotFoundError("none"); };
  const absl::StatusOr<std::unique_ptr<int>> none = co_await OnPool(pool, std::move(missing));
  EXPECT_EQ(none.status(), absl::NotFoundError("none"));
  for (int i = 0; i < 1000; ++i) {
    auto next = [i] { return i + 1; };
    const absl::StatusOr<int> value = co_await OnPool(pool, std::move(next));
    EXPECT_EQ(value.value_or(-1), i + 1);
  }
  done.Notify();
}

TEST(OnPoolTest, EveryKindOfResult) {
  net::IoPool io(1);
  io.Start();
  base::WorkerPool pool({.name = "test", .threads = 2});
  absl::Notification done;
  net::Spawn(io.Next().get_executor(), AskForAll(pool, done), "test");
  done.WaitForNotification();
  io.Stop();
}

}  // namespace
}  // namespace mailmesh::service
