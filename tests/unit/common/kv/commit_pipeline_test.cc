#include "common/kv/commit_pipeline.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/kv/status.h"
#include "tests/unit/common/kv/failing_env_for_test.h"
#include "tests/unit/common/kv/test_folder.h"

namespace mailmesh::kv {
namespace {

class CommitPipelineTest : public testing::Test {
 protected:
  void Open() {
    DatabaseOptions options{.path = folder_.path(), .env = env_.get()};
    options.on_fatal = [this](const absl::Status&) { ++fatal_; };
    database_ = Database::Open(std::move(options), {ColumnOptions{.name = "c"}}).value();
  }
  void Start(CommitPipeline::Options options = {}) {
    pipeline_ = std::make_unique<CommitPipeline>(*database_, std::move(options));
  }
  void TearDown() override {
    pipeline_.reset();
    database_.reset();
  }
  Commit Put(std::string_view key, std::shared_ptr<Lineage> lineage = nullptr) {
    Commit commit;
    commit.batch.Put(database_->column(0), key, "v");
    if (lineage) commit.lineages.push_back(std::move(lineage));
    return commit;
  }
  bool Has(std::string_view key) {
    std::string value;
    return database_->Get(database_->column(0), key, &value).value();
  }

  TestFolder folder_;
  std::shared_ptr<FailingFileSystem> files_ = std::make_shared<FailingFileSystem>();
  std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(files_);
  std::unique_ptr<Database> database_;
  std::unique_ptr<CommitPipeline> pipeline_;
  std::atomic<int> fatal_{0};
};

TEST_F(CommitPipelineTest, CompletesInTheOrderOfSubmission) {
  Open();
  Start();
  std::vector<int> order;
  for (int i = 0; i < 1000; ++i) {
    Commit commit = Put(absl::StrCat("k", i));
    commit.sync = i % 3 != 0;
    commit.done = [&order, i](const absl::Status& status) {
      EXPECT_TRUE(status.ok());
      order.push_back(i);
    };
    ASSERT_TRUE(pipeline_->Submit(std::move(commit)).ok());
  }
  ASSERT_TRUE(pipeline_->Flush().ok());
  ASSERT_EQ(order.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_TRUE(Has("k0"));
  EXPECT_TRUE(Has("k999"));
}

TEST_F(CommitPipelineTest, ManyThreadsAllReachTheDatabase) {
  Open();
  Start();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 50; ++i) ASSERT_TRUE(pipeline_->Write(Put(absl::StrCat(t, "/", i))).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) EXPECT_TRUE(Has(absl::StrCat(t, "/49")));
}

TEST_F(CommitPipelineTest, AFailedCommitTakesAllThatWasBuiltOnItAlong) {
  Open();
  Start();
  auto mine = std::make_shared<Lineage>();
  auto other = std::make_shared<Lineage>();
  files_->fault = LogFault::kNoSpaceOnAppend;
  // The first fails by its write, the others by their lineages, in this order; all are submitted before that is known or
  // are refused.
  std::vector<std::string> failed;
  auto submit = [&](std::string name, std::vector<std::shared_ptr<Lineage>> lineages) {
    Commit commit = Put(name);
    for (auto& lineage : lineages) commit.lineages.push_back(lineage);
    commit.done = [&failed, name](const absl::Status& status) {
      EXPECT_FALSE(status.ok());
      failed.push_back(name);
    };
    return pipeline_->Submit(std::move(commit)).ok();
  };
  ASSERT_TRUE(submit("first", {mine}));
  const bool second = submit("second", {mine, other});
  const bool third = submit("third", {other});
  EXPECT_FALSE(pipeline_->Flush().ok());
  EXPECT_TRUE(mine->broken());
  EXPECT_EQ(other->broken(), second || third);
  EXPECT_EQ(failed.size(), 1u + second + third);
  EXPECT_EQ(failed.front(), "first");
  EXPECT_EQ(fatal_, 1);
  EXPECT_FALSE(pipeline_->Submit(Put("later")).ok());
  // Opening anew heals.
  files_->fault = LogFault::kNone;
  pipeline_.reset();
  database_.reset();
  Open();
  Start();
  EXPECT_TRUE(pipeline_->Write(Put("fresh")).ok());
  EXPECT_FALSE(Has("second"));
}

TEST_F(CommitPipelineTest, ALineageThatIsBrokenFailsItsCommitsAndBreaksTheOthersOfThem) {
  Open();
  Start();
  auto broken = std::make_shared<Lineage>();
  auto joined = std::make_shared<Lineage>();
  pipeline_->Break(*broken);
  Commit commit = Put("joint", broken);
  commit.lineages.push_back(joined);
  EXPECT_EQ(pipeline_->Write(std::move(commit)).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(joined->broken());
  EXPECT_FALSE(Has("joint"));
  EXPECT_TRUE(pipeline_->Write(Put("alone", std::make_shared<Lineage>())).ok());
}

TEST_F(CommitPipelineTest, AnIoErrorOnTheLogIsFatal) {
  Open();
  Start();
  files_->fault = LogFault::kErrorOnSync;
  EXPECT_EQ(pipeline_->Write(Put("k")).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(fatal_, 1);
  EXPECT_EQ(pipeline_->Write(Put("l")).code(), absl::StatusCode::kUnavailable);
}

TEST_F(CommitPipelineTest, AFullQueueRefusesAndSubmitWaitingWaits) {
  Open();
  Start({.queue_limit_commits = 2});
  int refused = 0;
  for (int i = 0; i < 5000 && refused == 0; ++i) {
    const absl::Status status = pipeline_->Submit(Put(absl::StrCat("k", i)));
    if (!status.ok()) {
      EXPECT_TRUE(IsOverload(status));
      ++refused;
    }
  }
  EXPECT_EQ(refused, 1);
  EXPECT_TRUE(pipeline_->SubmitWaiting(Put("patient")).ok());
  ASSERT_TRUE(pipeline_->Flush().ok());
  EXPECT_TRUE(Has("patient"));
}

TEST_F(CommitPipelineTest, StopWritesWhatWasAccepted) {
  Open();
  Start();
  std::atomic<int> done{0};
  for (int i = 0; i < 100; ++i) {
    Commit commit = Put(absl::StrCat("k", i));
    commit.done = [&done](const absl::Status& status) { done += status.ok(); };
    ASSERT_TRUE(pipeline_->Submit(std::move(commit)).ok());
  }
  pipeline_->Stop();
  EXPECT_EQ(done, 100);
  EXPECT_EQ(pipeline_->Submit(Put("late")).code(), absl::StatusCode::kUnavailable);
}

TEST_F(CommitPipelineTest, WhatDoesNotGrowPassesBelowTheFloor) {
  Open();
  FreeSpaceGuard guard({.folder = folder_.path(),
                        .ballast_bytes = 0,
                        .interval = std::chrono::hours(1),
                        .free_bytes = []() -> absl::StatusOr<uint64_t> { return 1; }});
  Start({.free_space = &guard});
  EXPECT_TRUE(IsDiskFull(pipeline_->Write(Put("k"))));
  Commit removal;
  removal.batch.Delete(database_->column(0), "k");
  removal.grows = false;
  EXPECT_TRUE(pipeline_->Write(std::move(removal)).ok());
}

}  // namespace
}  // namespace mailmesh::kv
