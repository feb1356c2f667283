#include "common/kv/free_space_guard.h"

#include <gtest/gtest.h>

#include <atomic>

#include "common/base/file.h"
#include "common/kv/status.h"
#include "tests/unit/common/kv/test_folder.h"

namespace mailmesh::kv {
namespace {

constexpr uint64_t kMiB = 1 << 20;

class FreeSpaceGuardTest : public testing::Test {
 protected:
  FreeSpaceGuard::Options Options() {
    return {.folder = folder_.path(),
            .floor_bytes = 64 * kMiB,
            .ballast_bytes = kMiB,
            .interval = std::chrono::hours(1),
            .free_bytes = [this]() -> absl::StatusOr<uint64_t> { return free_.load(); },
            .on_change = [this](bool, uint64_t) { ++changes_; }};
  }

  TestFolder folder_;
  std::atomic<uint64_t> free_{1000 * kMiB};
  std::atomic<int> changes_{0};
};

TEST_F(FreeSpaceGuardTest, RefusesBelowTheFloorAndRecovers) {
  FreeSpaceGuard guard(Options());
  EXPECT_TRUE(guard.Admit(kMiB).ok());
  free_ = 64 * kMiB - 1;
  guard.LookForTest();
  EXPECT_TRUE(IsDiskFull(guard.Admit(1)));
  EXPECT_EQ(changes_, 1);
  free_ = 64 * kMiB;  // just the floor: not yet
  guard.LookForTest();
  EXPECT_FALSE(guard.Admit(1).ok());
  free_ = 70 * kMiB;
  guard.LookForTest();
  EXPECT_TRUE(guard.Admit(1).ok());
  EXPECT_EQ(changes_, 2);
}

TEST_F(FreeSpaceGuardTest, ABurstBetweenTwoLooksStopsAtTheFloor) {
  free_ = 74 * kMiB;
  FreeSpaceGuard guard(Options());
  int admitted = 0;
  while (guard.Admit(kMiB).ok()) ++admitted;
  EXPECT_EQ(admitted, 5);  // each octet counts twice
}

TEST_F(FreeSpaceGuardTest, GivesTheBallastUpAndTakesItBack) {
  FreeSpaceGuard guard(Options());
  const std::string ballast = folder_.path() + "/ballast";
  EXPECT_TRUE(base::FileExists(ballast));
  free_ = 31 * kMiB;
  guard.LookForTest();
  EXPECT_FALSE(base::FileExists(ballast));
  free_ = 80 * kMiB;
  guard.LookForTest();
  EXPECT_TRUE(base::FileExists(ballast));
}

TEST_F(FreeSpaceGuardTest, ABallastLeftBehindIsGivenUpBeforeOpening) {
  ASSERT_TRUE(base::WriteFileAtomically(folder_.path() + "/ballast", "x").ok());
  free_ = 0;
  FreeSpaceGuard guard(Options());
  EXPECT_FALSE(guard.has_ballast());
  EXPECT_TRUE(guard.low());
}

}  // namespace
}  // namespace mailmesh::kv
