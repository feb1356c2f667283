#include "common/service/heartbeat.h"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <atomic>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/net/io_pool.h"

namespace mailmesh::service {
namespace {

template <class Condition>
bool WaitFor(Condition condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return false;
}

TEST(HeartbeatTest, SeesAThreadThatIsStuckAndItsReturn) {
  net::IoPool io(2);
  io.Start();
  std::atomic<int> beats = 0;
  {
    Heartbeat heartbeat(io, absl::Milliseconds(5), absl::Milliseconds(100), [&beats] { ++beats; });
    EXPECT_TRUE(WaitFor([&] { return beats > 3; }));
    EXPECT_TRUE(heartbeat.Check().ok());
    absl::Notification release;
    asio::post(io.at(1), [&release] { release.WaitForNotification(); });
    EXPECT_TRUE(WaitFor([&] { return heartbeat.Check().code() == absl::StatusCode::kUnavailable; }));
    EXPECT_NE(heartbeat.Check().message().find("I/O thread 1"), absl::string_view::npos);
    const int stuck_at = beats;
    absl::SleepFor(absl::Milliseconds(50));
    EXPECT_LE(beats, stuck_at + 1);  // the watchdog is not fed
    release.Notify();
    EXPECT_TRUE(WaitFor([&] { return heartbeat.Check().ok() && beats > stuck_at + 3; }));
  }
  io.Stop();
}

}  // namespace
}  // namespace mailmesh::service
