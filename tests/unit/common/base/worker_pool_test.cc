#include "common/base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/notification.h"

namespace mailmesh::base {
namespace {

class CountingObserver final : public WorkerPool::Observer {
 public:
  void OnQueueDepth(size_t depth) override { depth_ = depth; }
  void OnTaskWait(std::chrono::nanoseconds) override { ++waits_; }
  void OnRefused() override { ++refused_; }
  std::atomic<size_t> depth_{0};
  std::atomic<int> waits_{0};
  std::atomic<int> refused_{0};
};

TEST(WorkerPoolTest, RunsEverythingThatItAccepted) {
  std::atomic<int> done = 0;
  CountingObserver observer;
  {
    WorkerPool pool({.name = "test", .threads = 4, .queue_limit = 10'000, .observer = &observer});
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(pool.Post([&done] { ++done; }).ok());
  }
  EXPECT_EQ(done, 1000);
  EXPECT_EQ(observer.waits_, 1000);
  EXPECT_EQ(observer.refused_, 0);
  EXPECT_EQ(observer.depth_, 0u);
}

TEST(WorkerPoolTest, RefusesWhenFullAndAfterShutdown) {
  absl::Notification release, started;
  CountingObserver observer;
  WorkerPool pool({.name = "test", .threads = 1, .queue_limit = 2, .observer = &observer});
  ASSERT_TRUE(pool.Post([&] {
                    started.Notify();
                    release.WaitForNotification();
                  })
                  .ok());
  started.WaitForNotification();
  std::atomic<int> done = 0;
  ASSERT_TRUE(pool.Post([&] { ++done; }).ok());
  ASSERT_TRUE(pool.Post([&] { ++done; }).ok());
  EXPECT_EQ(pool.Post([&] { ++done; }).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(observer.refused_, 1);
  EXPECT_TRUE(pool.PostAlways([&] { ++done; }));
  EXPECT_EQ(pool.queue_depth(), 3u);
  release.Notify();
  pool.Shutdown();
  EXPECT_EQ(done, 3);
  EXPECT_EQ(pool.Post([] {}).code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(pool.PostAlways([] {}));
}

TEST(WorkerPoolTest, ContinuationsPostedDuringShutdownRun) {
  std::atomic<int> steps = 0;
  absl::Notification started, closing;
  WorkerPool pool({.name = "test", .threads = 1});
  ASSERT_TRUE(pool.Post([&] {
                    started.Notify();
                    closing.WaitForNotification();
                    ++steps;
                    EXPECT_TRUE(pool.PostAlways([&] { ++steps; }));
                  })
                  .ok());
  started.WaitForNotification();
  std::thread closer([&] { pool.Shutdown(); });
  // Whether Shutdown has begun by now or not, both steps must run.
  closing.Notify();
  closer.join();
  EXPECT_EQ(steps, 2);
}

}  // namespace
}  // namespace mailmesh::base
