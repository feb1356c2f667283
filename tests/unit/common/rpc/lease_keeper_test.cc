// A lease that is renewed until it is stopped, refused or, where that counts, over.
#include "common/rpc/lease_keeper.h"

#include <gtest/gtest.h>

#include <asio/post.hpp>
#include <atomic>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/net/io_pool.h"

namespace mailmesh::rpc {
namespace {

constexpr absl::Duration kLease = absl::Milliseconds(200);

struct Owner {
  std::atomic<int> asked{0};
  std::atomic<absl::StatusCode> answer{absl::StatusCode::kOk};
  absl::Notification lost;
};

net::Awaitable<absl::Status> Answer(std::shared_ptr<Owner> owner) {
  ++owner->asked;
  co_return absl::Status(owner->answer.load(), "");
}

class LeaseKeeperTest : public ::testing::Test {
 protected:
  void SetUp() override { io_.Start(); }
  void Start(bool lost_when_expired) {
    keeper_ = std::make_shared<LeaseKeeper>(
        io_.Next().get_executor(), LeaseKeeper::Options{kLease, lost_when_expired},
        [owner = owner_] { return Answer(owner); }, [owner = owner_] { owner->lost.Notify(); });
    keeper_->Start();
  }
  void TearDown() override {
    // On its executor, as its holder does it.
    absl::Notification stopped;
    asio::post(io_.Next(), [&] {
      keeper_->Stop();
      stopped.Notify();
    });
    stopped.WaitForNotification();
  }
  void AwaitAsked(int times) {
    while (owner_->asked < times) absl::SleepFor(absl::Milliseconds(1));
  }

  net::IoPool io_{1};
  std::shared_ptr<Owner> owner_ = std::make_shared<Owner>();
  std::shared_ptr<LeaseKeeper> keeper_;
};

TEST_F(LeaseKeeperTest, RenewsSeveralTimesInTheTimeOfALease) {
  const absl::Time start = absl::Now();
  Start(true);
  AwaitAsked(8);
  EXPECT_GE(absl::Now() - start, kLease * 3 / 2);
  EXPECT_FALSE(owner_->lost.HasBeenNotified());
}

TEST_F(LeaseKeeperTest, LostWhenItsOwnerSaysSo) {
  owner_->answer = absl::StatusCode::kFailedPrecondition;
  Start(false);
  owner_->lost.WaitForNotification();
  EXPECT_EQ(owner_->asked, 1);
}

TEST_F(LeaseKeeperTest, AnOwnerThatIsAwayIsAskedAgain) {
  owner_->answer = absl::StatusCode::kUnavailable;
  Start(false);
  AwaitAsked(10);  // longer than the lease
  EXPECT_FALSE(owner_->lost.HasBeenNotified());
  owner_->answer = absl::StatusCode::kOk;
  AwaitAsked(12);
  EXPECT_FALSE(owner_->lost.HasBeenNotified());
}

TEST_F(LeaseKeeperTest, LostWhenItIsOverAndThatCounts) {
  owner_->answer = absl::StatusCode::kUnavailable;
  const absl::Time start = absl::Now();
  Start(true);
  owner_->lost.WaitForNotification();
  EXPECT_GE(absl::Now() - start, kLease);
}

}  // namespace
}  // namespace mailmesh::rpc
