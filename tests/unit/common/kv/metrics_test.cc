#include "common/kv/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/kv/commit_pipeline.h"
#include "common/kv/database.h"
#include "tests/unit/common/kv/test_folder.h"

namespace mailmesh::kv {
namespace {

using testing::HasSubstr;

TEST(MetricsTest, AScrapeShowsTheDatabaseAndTheCommits) {
  TestFolder folder;
  telemetry::Registry registry;
  auto database = Database::Open(DatabaseOptions{.path = folder.path()}, {ColumnOptions{.name = "plain"}}).value();
  PipelineMetrics pipeline_metrics(registry, "spool");
  DatabaseMetrics metrics(registry, "spool", *database, nullptr);
  CommitPipeline pipeline(*database, {.metrics = &pipeline_metrics});
  Commit commit;
  commit.batch.Put(database->column(0), "k", "v");
  ASSERT_TRUE(pipeline.Write(std::move(commit)).ok());
  const std::string text = registry.Text();
  EXPECT_THAT(text, HasSubstr("mailmesh_kv_commits_total{db=\"spool\",result=\"ok\"} 1"));
  EXPECT_THAT(text, HasSubstr("rocksdb_wal_syncs_total{db=\"spool\"}"));
  EXPECT_THAT(text, HasSubstr("rocksdb_num_files_at_level{cf=\"plain\",db=\"spool\",level=\"0\"}"));
}

}  // namespace
}  // namespace mailmesh::kv
