// Who may have a maildrop, and when again.
#include "services/mailbox_store/engine/maildrop_leases.h"

#include <gtest/gtest.h>

#include "common/base/fake_clock.h"
#include "common/rpc/status.h"

namespace mailmesh::mailbox_store {
namespace {

using std::chrono::seconds;

class MaildropLeasesTest : public ::testing::Test {
 protected:
  base::FakeClock clock_;
  MaildropLeases leases_{clock_};
  const AccountId anna_{1};
  const AccountId bert_{2};
};

TEST_F(MaildropLeasesTest, OneAtATimeUntilItsEnd) {
  ASSERT_TRUE(leases_.Acquire(anna_, "one", seconds(60)).ok());
  EXPECT_TRUE(leases_.Acquire(anna_, "one", seconds(60)).ok()) << "the same again";
  const absl::Status refused = leases_.Acquire(anna_, "two", seconds(60));
  EXPECT_TRUE(rpc::HasReason(refused, type::v1::ERROR_REASON_IN_USE)) << refused;
  EXPECT_TRUE(leases_.Acquire(bert_, "two", seconds(60)).ok());
  clock_.Advance(absl::Seconds(59));
  ASSERT_TRUE(leases_.Renew(anna_, "one", seconds(60)).ok());
  clock_.Advance(absl::Seconds(59));
  EXPECT_FALSE(leases_.Acquire(anna_, "two", seconds(60)).ok()) << "renewed";
  clock_.Advance(absl::Seconds(2));
  EXPECT_TRUE(leases_.Acquire(anna_, "two", seconds(60)).ok());
  EXPECT_TRUE(rpc::HasReason(leases_.Renew(anna_, "one", seconds(60)), type::v1::ERROR_REASON_LEASE_LOST));
  EXPECT_TRUE(rpc::HasReason(leases_.Check(anna_, "one"), type::v1::ERROR_REASON_LEASE_LOST));
}

// RFC 2449, 6.5.
TEST_F(MaildropLeasesTest, NotAgainWithinTheLoginDelay) {
  ASSERT_TRUE(leases_.Acquire(anna_, "one", seconds(60), seconds(30)).ok());
  EXPECT_TRUE(leases_.Acquire(anna_, "one", seconds(60), seconds(30)).ok()) << "a repeated call";
  leases_.Release(anna_, "one");
  clock_.Advance(absl::Seconds(29));
  const absl::Status refused = leases_.Acquire(anna_, "two", seconds(60), seconds(30));
  EXPECT_TRUE(rpc::HasReason(refused, type::v1::ERROR_REASON_LIMIT)) << refused;
  EXPECT_TRUE(leases_.Acquire(bert_, "three", seconds(60), seconds(30)).ok());
  // A gateway that knows of no delay is not held to it.
  EXPECT_TRUE(leases_.Acquire(anna_, "four", seconds(60)).ok());
  leases_.Release(anna_, "four");
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(leases_.Acquire(anna_, "five", seconds(60), seconds(30)).ok());
}

TEST_F(MaildropLeasesTest, WhatIsOverIsForgotten) {
  for (uint64_t i = 1; i <= 5000; ++i) {
    ASSERT_TRUE(leases_.Acquire(AccountId(i), "x", seconds(60), seconds(60)).ok());
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_LT(leases_.count(), 1100u);
}

}  // namespace
}  // namespace mailmesh::mailbox_store
