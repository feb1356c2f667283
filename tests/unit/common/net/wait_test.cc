// Event, Semaphore, TaskGroup and Spawn.
#include <gtest/gtest.h>

#include <asio/post.hpp>
#include <future>
#include <stdexcept>
#include <thread>

#include "common/net/event.h"
#include "common/net/semaphore.h"
#include "common/net/sleep.h"
#include "common/net/spawn.h"
#include "common/net/task_group.h"
#include "tests/unit/common/net/net_test_util.h"

namespace mailmesh::net {
namespace {

class WaitTest : public testing::Test {
 protected:
  WaitTest() : pool_(2) { pool_.Start(); }
  Executor executor() { return pool_.at(0).get_executor(); }
  IoPool pool_;
};

Awaitable<void> NotifyLater(std::shared_ptr<Event> event) {
  co_await SleepFor(milliseconds(10));
  event->Notify();
}

Awaitable<absl::Status> WaitTwice(std::shared_ptr<Event> event) {
  event->Notify();  // remembered
  absl::Status status = co_await event->Wait(After(milliseconds(1)));
  if (!status.ok()) co_return status;
  Spawn(event->executor(), NotifyLater(event), "notify");
  co_return co_await event->Wait(After(seconds(10)));
}

TEST_F(WaitTest, EventRemembersAndWakes) {
  EXPECT_TRUE(RunTask(executor(), WaitTwice(std::make_shared<Event>(executor()))).ok());
}

Awaitable<absl::Status> WaitInVain(std::shared_ptr<Event> event) {
  co_return co_await event->Wait(After(milliseconds(20)));
}

TEST_F(WaitTest, EventDeadline) {
  EXPECT_TRUE(absl::IsDeadlineExceeded(RunTask(executor(), WaitInVain(std::make_shared<Event>(executor())))));
}

Awaitable<absl::Status> WaitOn(Event* event) { co_return co_await event->Wait(); }
Awaitable<void> DestroyLater(std::unique_ptr<Event>) { co_await SleepFor(milliseconds(10)); }

TEST_F(WaitTest, EventDestroyedWhileWaited) {
  auto event = std::make_unique<Event>(executor());
  auto waiting = asio::co_spawn(executor(), WaitOn(event.get()), asio::use_future);
  Spawn(executor(), DestroyLater(std::move(event)), "destroy");
  EXPECT_TRUE(absl::IsCancelled(waiting.get()));
}

Awaitable<int> HoldAndCount(Semaphore* semaphore, int* running) {
  absl::StatusOr<Semaphore::Permit> permit = co_await semaphore->Acquire();
  if (!permit.ok()) co_return -1;
  const int now = ++*running;
  co_await SleepFor(milliseconds(5));
  --*running;
  co_return now;
}

TEST_F(WaitTest, SemaphoreLimits) {
  Semaphore semaphore(executor(), 2);
  int running = 0;
  std::vector<std::future<int>> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(asio::co_spawn(executor(), HoldAndCount(&semaphore, &running), asio::use_future));
  }
  for (auto& one : all) {
    const int now = one.get();
    EXPECT_GE(now, 1);
    EXPECT_LE(now, 2);
  }
}

Awaitable<absl::Status> AcquireTwo(Semaphore* semaphore) {
  absl::StatusOr<Semaphore::Permit> first = co_await semaphore->Acquire();
  absl::StatusOr<Semaphore::Permit> second = co_await semaphore->Acquire(After(milliseconds(10)));
  co_return second.status();
}

TEST_F(WaitTest, SemaphoreDeadlineGivesNothingAway) {
  Semaphore semaphore(executor(), 1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(RunTask(executor(), AcquireTwo(&semaphore))));
  EXPECT_EQ(semaphore.free(), 1u);
}

Awaitable<void> Throw() {
  co_await Yield();
  throw std::runtime_error("boom");
}

TEST_F(WaitTest, SpawnReportsEscapes) {
  auto seen = std::make_shared<std::promise<std::string>>();
  SetEscapeHook([seen](std::string_view name, std::string_view what) {
    seen->set_value(std::string(name) + ": " + std::string(what));
  });
  Spawn(executor(), Throw(), "thrower");
  EXPECT_EQ(seen->get_future().get(), "thrower: boom");
  // A plain handler that throws must not end the thread either.
  auto plain = std::make_shared<std::promise<std::string>>();
  SetEscapeHook([plain](std::string_view, std::string_view what) { plain->set_value(std::string(what)); });
  asio::post(executor(), [] { throw std::runtime_error("plain"); });
  EXPECT_EQ(plain->get_future().get(), "plain");
  SetEscapeHook(nullptr);
  RunTask(executor(), SleepFor(milliseconds(1)));
}

Awaitable<void> Session(TaskGroup* group, Stream stream, std::atomic<int>* interrupted) {
  TaskGroup::Token token = group->Add(stream.handle());
  absl::StatusOr<WaitResult> result = co_await stream.WaitReadable();
  if (result.ok() && *result == WaitResult::kInterrupted && group->draining()) ++*interrupted;
  if (!result.ok()) co_return;
  // Ignores the drain until it is killed.
  (void)co_await stream.WaitReadable();
}

TEST_F(WaitTest, DrainInterruptsThenKills) {
  TaskGroup group;
  std::atomic<int> interrupted{0};
  auto listener = Listen(pool_, [&](Stream stream) { return Session(&group, std::move(stream), &interrupted); });
  std::vector<Stream> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(*RunTask(executor(), Dial(listener->endpoint())));
  while (group.size() < 10) std::this_thread::sleep_for(milliseconds(1));
  listener->Stop();
  group.StartDrain(milliseconds(20));
  EXPECT_TRUE(absl::IsDeadlineExceeded(RunTask(executor(), group.WaitEmpty(After(milliseconds(100))))));
  EXPECT_EQ(interrupted, 10);
  group.KillAll();
  EXPECT_TRUE(RunTask(executor(), group.WaitEmpty(After(seconds(10)))).ok());
  EXPECT_EQ(group.size(), 0u);
  for (Stream& client : clients) RunTask(executor(), CloseOn(std::move(client)));
}

}  // namespace
}  // namespace mailmesh::net
