// A file that a compaction cannot read: all that can be read is served, writes go on, and it is tried again until it can.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>

#include "common/kv/commit_pipeline.h"
#include "common/kv/database.h"
#include "common/kv/metrics.h"
#include "tests/unit/common/kv/failing_env_for_test.h"
#include "tests/unit/common/kv/test_folder.h"

namespace mailmesh::kv {
namespace {

using testing::HasSubstr;

// Flushed files of a column at which RocksDB stops all writes.
constexpr int kStopTrigger = 36;
constexpr int kKeys = 100;

class DamageTest : public testing::Test {
 protected:
  enum Index { kPlain, kBlobs };

  DamageTest() { Open(); }
  ~DamageTest() override { Close(); }

  void Open() {
    DatabaseOptions options;
    options.path = folder_.path();
    options.env = env_.get();
    // Longer than the second that RocksDB itself waits after a failure: else a new try would count as having gone well.
    options.compaction_pause = std::chrono::milliseconds(1500);
    options.on_fatal = [this](const absl::Status& status) {
      fatal_ = true;
      ADD_FAILURE() << status;
    };
    database_ = *Database::Open(std::move(options), {ColumnOptions{.name = "plain"}, ColumnOptions{.name = "blobs", .blob_files = true}});
    pipeline_ = std::make_unique<CommitPipeline>(*database_, CommitPipeline::Options{});
  }
  void Close() {
    pipeline_.reset();
    database_.reset();
  }

  // Incompressible, and different for each key.
  static std::string Octets(int key) {
    std::mt19937 random(static_cast<uint32_t>(key));
    std::string octets(4096, ' ');
    for (char& octet : octets) octet = static_cast<char>(random());
    return octets;
  }
  static std::string Key(int key) { return "key" + std::to_string(1000 + key); }

  // A file of its own.
  void WriteAll(Index column, int from, int to) {
    Commit commit;
    for (int key = from; key < to; ++key) commit.batch.Put(database_->column(column), Key(key), Octets(key));
    ASSERT_TRUE(pipeline_->Write(std::move(commit)).ok());
    ASSERT_TRUE(database_->Flush().ok());
  }
  absl::StatusCode Read(Index column, int key) {
    Value value;
    const auto found = database_->Get(database_->column(column), Key(key), &value);
    if (!found.ok()) return found.status().code();
    EXPECT_TRUE(*found);
    EXPECT_EQ(value.view(), Octets(key));
    return absl::StatusCode::kOk;
  }
  uint64_t FlushedFiles(Index column) {
    std::string files;
    EXPECT_TRUE(database_->raw().GetProperty(database_->column(column).handle, "rocksdb.num-files-at-level0", &files));
    return std::stoul(files);
  }

  std::filesystem::path Largest(const std::string& extension) {
    std::filesystem::path largest;
    for (const auto& file : std::filesystem::directory_iterator(folder_.path())) {
      if (file.path().extension() != extension) continue;
      if (largest.empty() || file.file_size() > std::filesystem::file_size(largest)) largest = file.path();
    }
    EXPECT_FALSE(largest.empty());
    return largest;
  }
  // Inverts octets in the middle of the largest file of that kind; a second time, they are as before.
  void Invert(const std::string& extension) {
    if (damaged_.empty()) damaged_ = Largest(extension);
    std::fstream file(damaged_, std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(damaged_) / 2);
    std::string octets(64, ' ');
    file.seekg(middle);
    file.read(octets.data(), static_cast<std::streamsize>(octets.size()));
    for (char& octet : octets) octet = static_cast<char>(~octet);
    file.seekp(middle);
    file.write(octets.data(), static_cast<std::streamsize>(octets.size()));
    ASSERT_TRUE(file.good());
  }

  template <class Condition>
  static bool Comes(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  // Many more flushed files than RocksDB would bear wait for the compaction that fails; those of the other column are compacted.
  void ExpectWritesGoOn(Index column, Index other) {
    WriteAll(column, 0, 1);
    WriteAll(column, kKeys - 1, kKeys);  // so that a compaction goes over all between
    for (int i = 0; i < kStopTrigger + 10; ++i) {
      WriteAll(column, kKeys, kKeys + 2);
      if (i % 4 == 0) WriteAll(other, kKeys, kKeys + 2);
      ASSERT_FALSE(fatal_);
    }
    EXPECT_TRUE(Comes([&] { return database_->resting_columns() == 1; }));
    EXPECT_TRUE(Comes([&] { return FlushedFiles(other) < 4; })) << FlushedFiles(other);
    EXPECT_GE(FlushedFiles(column), static_cast<uint64_t>(kStopTrigger));
    EXPECT_EQ(Read(column, kKeys), absl::StatusCode::kOk);
  }
  void ExpectHealsByItself(Index column) {
    EXPECT_TRUE(Comes([&] { return FlushedFiles(column) < 4; })) << FlushedFiles(column);
    EXPECT_TRUE(Comes([&] { return database_->resting_columns() == 0; }));
    for (int key = 0; key < kKeys + 2; ++key) EXPECT_EQ(Read(column, key), absl::StatusCode::kOk) << key;
    EXPECT_FALSE(fatal_);
  }
  int Unreadable(Index column) {
    int count = 0;
    for (int key = 0; key < kKeys; ++key) count += Read(column, key) == absl::StatusCode::kDataLoss;
    return count;
  }

  TestFolder folder_;
  std::filesystem::path damaged_;
  std::shared_ptr<FailingFileSystem> files_ = std::make_shared<FailingFileSystem>();
  std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(files_);
  std::atomic<bool> fatal_{false};
  std::unique_ptr<Database> database_;
  std::unique_ptr<CommitPipeline> pipeline_;
};

TEST_F(DamageTest, ADamagedTableStopsOnlyWhatLiesInIt) {
  WriteAll(kPlain, 0, kKeys);
  ASSERT_TRUE(database_->CompactWhole(database_->column(kPlain)).ok());
  Close();
  Invert(".sst");
  Open();
  telemetry::Registry registry;
  DatabaseMetrics metrics(registry, "spool", *database_, nullptr);
  ExpectWritesGoOn(kPlain, kBlobs);
  const int unreadable = Unreadable(kPlain);
  EXPECT_GE(unreadable, 1);
  EXPECT_LE(unreadable, 8);  // one block
  EXPECT_THAT(registry.Text(), HasSubstr("mailmesh_kv_resting_columns{db=\"spool\"} 1"));
  Invert(".sst");
  ExpectHealsByItself(kPlain);
}

// A new process meets the same table, takes writes from the first moment, and says the same.
TEST_F(DamageTest, ANewProcessGoesOnAsTheOldOne) {
  WriteAll(kPlain, 0, kKeys);
  ASSERT_TRUE(database_->CompactWhole(database_->column(kPlain)).ok());
  Close();
  Invert(".sst");
  Open();
  ExpectWritesGoOn(kPlain, kBlobs);
  for (int i = 0; i < 2; ++i) {
    Close();
    Open();
    WriteAll(kPlain, kKeys, kKeys + 2);
    EXPECT_TRUE(Comes([&] { return database_->resting_columns() == 1; }));
    EXPECT_EQ(Read(kPlain, 0), absl::StatusCode::kOk);
  }
  Invert(".sst");
  ExpectHealsByItself(kPlain);
}

TEST_F(DamageTest, ADamagedBlobStopsOnlyWhatLiesInIt) {
  WriteAll(kBlobs, 0, kKeys);
  Close();
  Invert(".blob");
  Open();
  ExpectWritesGoOn(kBlobs, kPlain);
  EXPECT_EQ(Unreadable(kBlobs), 1);
  Invert(".blob");
  ExpectHealsByItself(kBlobs);
}

TEST_F(DamageTest, ATableThatTheDiskDoesNotGiveIsTriedAgain) {
  WriteAll(kPlain, 0, kKeys);
  ASSERT_TRUE(database_->CompactWhole(database_->column(kPlain)).ok());
  Close();
  files_->table = Largest(".sst").filename();
  Open();
  files_->unreadable = true;
  ExpectWritesGoOn(kPlain, kBlobs);
  EXPECT_EQ(Read(kPlain, kKeys / 2), absl::StatusCode::kUnavailable);
  files_->unreadable = false;
  ExpectHealsByItself(kPlain);
}

}  // namespace
}  // namespace mailmesh::kv
