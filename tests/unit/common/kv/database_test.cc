#include "common/kv/database.h"

#include <gtest/gtest.h>

#include "common/kv/commit_pipeline.h"
#include "common/kv/page_merge.h"
#include "tests/unit/common/kv/test_folder.h"

namespace mailmesh::kv {
namespace {

std::vector<ColumnOptions> Columns() {
  ColumnOptions pages{.name = "pages"};
  pages.merge_operator = NewPageMergeOperator();
  return {ColumnOptions{.name = "plain"}, pages, ColumnOptions{.name = "blobs", .blob_files = true}};
}

std::unique_ptr<Database> MustOpen(const std::string& path) {
  auto database = Database::Open(DatabaseOptions{.path = path}, Columns());
  EXPECT_TRUE(database.ok()) << database.status();
  return std::move(database).value();
}

TEST(DatabaseTest, ReopensWithMergesAndBlobs) {
  TestFolder folder;
  const std::string body(100'000, 'b');
  {
    auto database = MustOpen(folder.path());
    CommitPipeline pipeline(*database, {});
    Commit commit;
    commit.batch.PutParts(database->column(2), "body", {"trace", body});
    PageWriter one, two;
    one.Add(1, "first");
    two.Add(2, "second");
    commit.batch.Merge(database->column(1), "page", one.octets());
    commit.batch.Merge(database->column(1), "page", two.octets());
    ASSERT_TRUE(pipeline.Write(std::move(commit)).ok());
  }
  auto database = MustOpen(folder.path());
  for (int flushed = 0; flushed < 2; ++flushed) {
    Value value;
    ASSERT_EQ(database->Get(database->column(2), "body", &value).value(), true);
    EXPECT_EQ(value.view(), "trace" + body);
    ASSERT_EQ(database->Get(database->column(1), "page", &value).value(), true);
    PageView page;
    ASSERT_TRUE(page.Apply(value.view()));
    EXPECT_EQ(page.At(1), "first");
    EXPECT_EQ(page.At(2), "second");
    EXPECT_EQ(database->Get(database->column(0), "nothing", &value).value(), false);
    ASSERT_TRUE(database->Flush().ok());
  }
}

TEST(DatabaseTest, SnapshotsAndBoundsHold) {
  TestFolder folder;
  auto database = MustOpen(folder.path());
  CommitPipeline pipeline(*database, {});
  const Column plain = database->column(0);
  auto put = [&](std::string_view key) {
    Commit commit;
    commit.batch.Put(plain, key, "v");
    ASSERT_TRUE(pipeline.Write(std::move(commit)).ok());
  };
  for (const char* key : {"a", "b1", "b2", "c"}) put(key);
  Snapshot snapshot(*database);
  put("b3");
  auto keys = [&](const Snapshot* at) {
    std::string all;
    auto it = database->NewIterator(plain, "b", PrefixEnd("b"), at);
    for (it->SeekToFirst(); it->Valid(); it->Next()) all.append(it->key()).append(" ");
    EXPECT_TRUE(it->status().ok());
    return all;
  };
  EXPECT_EQ(keys(&snapshot), "b1 b2 ");
  EXPECT_EQ(keys(nullptr), "b1 b2 b3 ");
}

TEST(DatabaseTest, ACheckpointIsADatabase) {
  TestFolder folder;
  auto database = MustOpen(folder.path() + "/live");
  {
    CommitPipeline pipeline(*database, {});
    Commit commit;
    commit.batch.Put(database->column(0), "k", "v");
    ASSERT_TRUE(pipeline.Write(std::move(commit)).ok());
  }
  ASSERT_TRUE(database->Checkpoint(folder.path() + "/copy").ok());
  auto copy = MustOpen(folder.path() + "/copy");
  std::string value;
  EXPECT_TRUE(copy->Get(copy->column(0), "k", &value).value());
}

TEST(DatabaseTest, AColumnOfANewerVersionIsRefused) {
  TestFolder folder;
  MustOpen(folder.path()).reset();
  auto older = Database::Open(DatabaseOptions{.path = folder.path()}, {ColumnOptions{.name = "plain"}});
  EXPECT_FALSE(older.ok());
}

TEST(PrefixEndTest, CarriesOver) {
  EXPECT_EQ(PrefixEnd("ab"), "ac");
  EXPECT_EQ(PrefixEnd(std::string("a\xff", 2)), "b");
  EXPECT_EQ(PrefixEnd("\xff\xff"), "");
}

}  // namespace
}  // namespace mailmesh::kv
