#include "common/kv/sparing_files.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "common/kv/commit_pipeline.h"
#include "common/kv/database.h"
#include "common/kv/status.h"
#include "tests/unit/common/kv/test_folder.h"

namespace mailmesh::kv {
namespace {

constexpr uint64_t kFloor = 1 << 20;
constexpr uint64_t kPlenty = 1 << 30;

class SparingFilesTest : public testing::Test {
 protected:
  SparingFilesTest() {
    FreeSpaceGuard::Options options;
    options.folder = folder_.path();
    options.floor_bytes = kFloor;
    options.ballast_bytes = 0;
    options.free_bytes = [this]() -> absl::StatusOr<uint64_t> { return free_.load(); };
    guard_ = std::make_unique<FreeSpaceGuard>(std::move(options));
    DatabaseOptions database;
    database.path = folder_.path() + "/db";
    database.free_space = guard_.get();
    database.compaction_pause = std::chrono::milliseconds(100);
    database.on_fatal = [this](const absl::Status&) { fatal_ = true; };
    database_ = *Database::Open(std::move(database), {ColumnOptions{.name = "blobs", .blob_files = true}});
    pipeline_ = std::make_unique<CommitPipeline>(*database_, CommitPipeline::Options{.free_space = guard_.get()});
  }

  void SetFree(uint64_t bytes) {
    free_ = bytes;
    guard_->LookForTest();
  }

  absl::Status Put(const std::string& key, bool grows = true) {
    Commit commit;
    commit.batch.Put(database_->column(0), key, std::string(10'000, 'b'));
    commit.grows = grows;
    return pipeline_->Write(std::move(commit));
  }

  std::atomic<uint64_t> free_{kPlenty};
  std::atomic<bool> fatal_{false};
  TestFolder folder_;
  std::unique_ptr<FreeSpaceGuard> guard_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<CommitPipeline> pipeline_;
};

TEST_F(SparingFilesTest, ACompactionGivesWayAndAllElseGoesOn) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Put("a").ok());
    ASSERT_TRUE(database_->Flush().ok());
  }
  // At the floor: growth is refused, and compactions go on.
  SetFree(kFloor / 2);
  EXPECT_TRUE(IsDiskFull(Put("b")));
  EXPECT_TRUE(database_->CompactWhole(database_->column(0)).ok());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Put("a", /*grows=*/false).ok());
    ASSERT_TRUE(database_->Flush().ok());
  }
  SetFree(kFloor / 2 - 1);
  const absl::Status refused = database_->CompactWhole(database_->column(0));
  EXPECT_TRUE(IsDiskFull(refused)) << refused;
  EXPECT_TRUE(IsDiskFull(Put("b")));
  // What the floor is for.
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(Put("c", /*grows=*/false).ok());
    ASSERT_TRUE(database_->Flush().ok());
  }
  EXPECT_FALSE(fatal_);

  SetFree(kPlenty);
  absl::Status compacted;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!(compacted = database_->CompactWhole(database_->column(0))).ok() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_TRUE(compacted.ok()) << compacted;
  EXPECT_TRUE(Put("d").ok());
  Value value;
  for (const char* key : {"a", "c", "d"}) EXPECT_TRUE(database_->Get(database_->column(0), key, &value).value_or(false)) << key;
  EXPECT_FALSE(fatal_);
}

// RocksDB's own compactions begin at four flushed files, and are tried again every second.
TEST_F(SparingFilesTest, WhatRocksDbTriesByItselfStopsNothing) {
  SetFree(kFloor / 2 - 1);
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(Put("key" + std::to_string(i % 2), /*grows=*/false).ok());
    ASSERT_TRUE(database_->Flush().ok());
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  EXPECT_TRUE(Put("more", /*grows=*/false).ok());
  EXPECT_TRUE(database_->Flush().ok());
  EXPECT_FALSE(fatal_);
}

}  // namespace
}  // namespace mailmesh::kv
