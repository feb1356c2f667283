#include "services/outbound_relay/spool.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/rpc/status.h"

namespace mailmesh::outbound_relay {
namespace {

class SpoolTest : public testing::Test {
 protected:
  SpoolTest() : folder_(std::filesystem::temp_directory_path() / ("spool-test-" + base::NewIdText())) { Open(); }
  ~SpoolTest() override {
    spool_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Open() {
    spool_.reset();
    registry_ = std::make_unique<telemetry::Registry>();
    config::v1::DatabaseConfig config;
    config.set_path(folder_.string());
    config.set_cache_bytes(8 << 20);
    config.set_write_buffer_bytes(8 << 20);
    config.set_free_space_floor_bytes(32 << 20);
    auto spool = Spool::Open(config, *registry_, base::Clock::Real(), [](const absl::Status&) {});
    ASSERT_TRUE(spool.ok()) << spool.status();
    spool_ = std::move(*spool);
  }

  // Parts are written while the caller goes on.
  void AwaitChunk(const std::string& upload, uint32_t index) {
    while (!spool_->ReadChunk(upload, index).ok()) absl::SleepFor(absl::Milliseconds(5));
  }

  static Item MakeItem(int64_t due_ms) {
    Item item;
    item.set_reverse_path("a@a.test");
    item.add_recipients()->set_forward_path("b@b.test");
    item.set_queued_ms(due_ms);
    item.set_next_attempt_ms(due_ms);
    item.mutable_recipients(0)->set_state(Recipient::STATE_QUEUED);
    return item;
  }
  static Item ItemFor(const std::string& recipient, int64_t due_ms) {
    Item item = MakeItem(due_ms);
    item.mutable_recipients(0)->set_forward_path(recipient);
    return item;
  }

  absl::Status Enqueue(const QueueId& id, Item item, std::string_view octets, const std::string& upload = "",
                       const std::string& request = "") {
    auto status = std::make_shared<absl::Status>();
    absl::Notification done;
    const absl::Status submitted = spool_->Enqueue(id, std::move(item), octets, upload, request, [&](const absl::Status& outcome) {
      *status = outcome;
      done.Notify();
    });
    if (!submitted.ok()) return submitted;
    done.WaitForNotification();
    return *status;
  }

  void Finish(const QueueId& id, const Item& item, bool remove, const Place& old) {
    absl::Notification done;
    const auto notify = [&](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      done.Notify();
    };
    if (remove) {
      spool_->Remove(id, item, old, {}, notify);
    } else {
      spool_->Update(id, item, old, {}, notify);
    }
    done.WaitForNotification();
  }

  // Writes the index as schema 1 had it: time and id, and nothing of destinations.
  void MakeItOld() {
    kv::DatabaseOptions options;
    options.path = folder_.string();
    std::vector<kv::ColumnOptions> columns(6);
    const char* names[] = {"meta", "items", "due", "bodies", "uploads", "requests"};
    for (size_t i = 0; i < columns.size(); ++i) columns[i].name = names[i];
    columns[3].blob_files = true;
    auto database = kv::Database::Open(std::move(options), std::move(columns));
    ASSERT_TRUE(database.ok()) << database.status();
    kv::CommitPipeline pipeline(**database, {});
    kv::Commit commit;
    commit.batch.Put((*database)->column(0), "schema", "1");
    commit.batch.DeleteRange((*database)->column(2), "", "\xff");
    const auto iterator = (*database)->NewIterator((*database)->column(1), "", "");
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
      Item item;
      ASSERT_TRUE(item.ParseFromArray(iterator->value().data(), static_cast<int>(iterator->value().size())));
      item.clear_destination();
      commit.batch.Put((*database)->column(1), iterator->key(), item.SerializeAsString());
      std::string key;
      base::AppendBigEndian(key, static_cast<uint64_t>(item.next_attempt_ms()));
      commit.batch.Put((*database)->column(2), key + std::string(iterator->key()), "");
    }
    ASSERT_TRUE(pipeline.Write(std::move(commit)).ok());
  }

  std::filesystem::path folder_;
  std::unique_ptr<telemetry::Registry> registry_;
  std::unique_ptr<Spool> spool_;
};

TEST_F(SpoolTest, WhatWasAnsweredIsThereAfterReopening) {
  ASSERT_TRUE(Enqueue("id-1", MakeItem(100), "octets", "", "request-1").ok());
  Open();
  auto item = spool_->Read("id-1");
  ASSERT_TRUE(item.ok());
  EXPECT_EQ(item->body_bytes(), 6u);
  EXPECT_EQ(spool_->ReadChunk(item->body_id(), 0).value(), "octets");
  EXPECT_EQ(spool_->FindRequest("request-1").value().value(), "id-1");
  EXPECT_FALSE(spool_->FindRequest("request-2").value().has_value());
}

std::vector<QueueId> Ids(const DuePage& page) {
  std::vector<QueueId> ids;
  for (const DueEntry& entry : page.entries) ids.push_back(entry.id);
  return ids;
}

TEST_F(SpoolTest, DueInTheOrderOfTime) {
  ASSERT_TRUE(Enqueue("id-b", MakeItem(200), "x").ok());
  ASSERT_TRUE(Enqueue("id-a", MakeItem(300), "x").ok());
  ASSERT_TRUE(Enqueue("id-c", MakeItem(100), "x").ok());
  auto due = spool_->ReadDue("b.test", 200, 10).value();
  EXPECT_EQ(Ids(due), (std::vector<QueueId>{"id-c", "id-b"}));
  EXPECT_EQ(due.next_due_ms, 300);
  EXPECT_TRUE(spool_->ReadDue("b.test", 99, 10).value().entries.empty());
  EXPECT_EQ(Ids(spool_->ReadDue("b.test", 1000, 1).value()), (std::vector<QueueId>{"id-c"}));
  EXPECT_EQ(spool_->ReadDue("b.test", 1000, 1).value().next_due_ms, 200);
  EXPECT_FALSE(spool_->ReadDue("b.test", 1000, 3).value().next_due_ms.has_value());
}

TEST_F(SpoolTest, WhatWasQueuedBeforeTheClockWentBackIsDue) {
  ASSERT_TRUE(Enqueue("id-now", MakeItem(100), "x").ok());
  ASSERT_TRUE(Enqueue("id-retry", MakeItem(1000), "x").ok());
  ASSERT_TRUE(Enqueue("id-ahead", MakeItem(7'200'000), "x").ok());
  ASSERT_TRUE(Enqueue("id-last", MakeItem(7'200'001), "x").ok());
  const auto all = spool_->ReadDue("b.test", 200, 10, 2000).value();
  EXPECT_EQ(Ids(all), (std::vector<QueueId>{"id-now", "id-ahead", "id-last"}));
  EXPECT_EQ(all.next_due_ms, 1000);
  // At the edge: what a retry can be due at is none of them.
  const auto edge = spool_->ReadDue("b.test", 200, 10, 7'200'000).value();
  EXPECT_EQ(Ids(edge), (std::vector<QueueId>{"id-now", "id-last"}));
  // More of them than were asked for: at once again.
  const auto part = spool_->ReadDue("b.test", 200, 2, 2000).value();
  EXPECT_EQ(Ids(part), (std::vector<QueueId>{"id-now", "id-ahead"}));
  EXPECT_EQ(part.next_due_ms, 200);
  // None is left to wait for.
  EXPECT_FALSE(spool_->ReadDue("b.test", 1000, 10, 2000).value().next_due_ms.has_value());
}

TEST_F(SpoolTest, EachDestinationHasItsOwnOrder) {
  // "b.test" begins "b.test.example", and sorts apart from it all the same.
  ASSERT_TRUE(Enqueue("id-1", ItemFor("x@b.test", 100), "x").ok());
  ASSERT_TRUE(Enqueue("id-2", ItemFor("x@b.test.example", 50), "x").ok());
  ASSERT_TRUE(Enqueue("id-3", ItemFor("x@B.Test", 70), "x").ok());
  ASSERT_TRUE(Enqueue("id-4", ItemFor("x@a.test", 10), "x").ok());
  EXPECT_EQ(Ids(spool_->ReadDue("b.test", 1000, 10).value()), (std::vector<QueueId>{"id-3", "id-1"}));
  const std::vector<Place> all{{"a.test", 10}, {"b.test", 70}, {"b.test.example", 50}};
  EXPECT_EQ(spool_->Destinations("", 10).value(), all);
  EXPECT_EQ(spool_->Destinations("a.test", 10).value(), (std::vector<Place>{all[1], all[2]}));
  EXPECT_EQ(spool_->Destinations("b.test", 10).value(), (std::vector<Place>{all[2]}));
  EXPECT_EQ(spool_->Destinations("", 1).value(), (std::vector<Place>{all[0]}));
  EXPECT_TRUE(spool_->Destinations("b.test.example", 10).value().empty());
}

TEST_F(SpoolTest, AHeldMessageIsNowhereDueButCounts) {
  ASSERT_TRUE(Enqueue("id-1", MakeItem(100), "x").ok());
  Item item = spool_->Read("id-1").value();
  const Place old = PlaceOf(item);
  item.set_held(true);
  Finish("id-1", item, false, old);
  EXPECT_TRUE(spool_->ReadDue("b.test", 1000, 10).value().entries.empty());
  EXPECT_EQ(spool_->Count().value(), 1u);
  const Place held = PlaceOf(item);
  item.set_held(false);
  Finish("id-1", item, false, held);
  EXPECT_EQ(spool_->ReadDue("b.test", 1000, 10).value().entries.size(), 1u);
  EXPECT_EQ(spool_->Count().value(), 1u);
}

TEST_F(SpoolTest, AnUpdateMovesItInTheIndexAndARemovalLeavesNothing) {
  ASSERT_TRUE(Enqueue("id-1", MakeItem(100), "octets").ok());
  Item item = spool_->Read("id-1").value();
  item.set_next_attempt_ms(500);
  Finish("id-1", item, false, {"b.test", 100});
  EXPECT_EQ(spool_->ReadDue("b.test", 499, 10).value().entries.size(), 0u);
  EXPECT_EQ(spool_->ReadDue("b.test", 500, 10).value().entries.size(), 1u);
  EXPECT_EQ(spool_->Count().value(), 1u);
  Finish("id-1", item, true, {"b.test", 500});
  EXPECT_EQ(spool_->Count().value(), 0u);
  EXPECT_TRUE(absl::IsNotFound(spool_->Read("id-1").status()));
  EXPECT_FALSE(spool_->ReadChunk("id-1", 0).ok());
}

TEST_F(SpoolTest, AnIndexOfTheFirstSchemaIsMadeAnew) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Enqueue("id-" + std::to_string(i), ItemFor("x@d" + std::to_string(i % 2) + ".test", 100 + i), "x").ok());
  spool_.reset();
  MakeItOld();
  Open();
  ASSERT_NE(spool_, nullptr);
  EXPECT_EQ(spool_->Count().value(), 5u);
  EXPECT_EQ(Ids(spool_->ReadDue("d0.test", 1000, 10).value()), (std::vector<QueueId>{"id-0", "id-2", "id-4"}));
  EXPECT_EQ(spool_->Read("id-1").value().destination(), "d1.test");
  Open();
  EXPECT_EQ(spool_->Count().value(), 5u);
}

TEST_F(SpoolTest, AnUploadIsReferredToOnceItIsFinished) {
  const std::string upload = spool_->NewUploadId();
  const std::string part(Spool::kChunk, 'x');
  ASSERT_TRUE(spool_->AddChunk(upload, 0, part).ok());
  ASSERT_TRUE(spool_->AddChunk(upload, 1, "rest").ok());
  const absl::Status early = Enqueue("id-1", MakeItem(1), "", upload);
  EXPECT_EQ(rpc::ReasonOf(early), type::v1::ERROR_REASON_UPLOAD_NOT_FOUND);
  ASSERT_TRUE(spool_->FinishUpload(upload, part.size() + 4).ok());
  ASSERT_TRUE(Enqueue("id-1", MakeItem(1), "", upload).ok());
  Open();
  const Item item = spool_->Read("id-1").value();
  EXPECT_EQ(item.body_bytes(), part.size() + 4);
  EXPECT_EQ(spool_->ReadChunk(item.body_id(), 1).value(), "rest");
  // It belongs to the message now: the collector leaves it alone.
  ASSERT_TRUE(spool_->Collect(absl::ZeroDuration(), absl::Hours(1)).ok());
  EXPECT_EQ(spool_->ReadChunk(item.body_id(), 0).value(), part);
}

TEST_F(SpoolTest, CollectsUploadsThatNobodyRefersTo) {
  const std::string upload = spool_->NewUploadId();
  ASSERT_TRUE(spool_->AddChunk(upload, 0, "octets").ok());
  ASSERT_TRUE(spool_->FinishUpload(upload, 6).ok());
  ASSERT_TRUE(spool_->Collect(absl::Hours(1), absl::Hours(1)).ok());
  EXPECT_TRUE(spool_->ReadChunk(upload, 0).ok());
  ASSERT_TRUE(spool_->Collect(absl::Seconds(-1), absl::Hours(1)).ok());
  EXPECT_FALSE(spool_->ReadChunk(upload, 0).ok());
}

TEST_F(SpoolTest, AnUploadThatWasCollectedMeanwhileIsNotFinished) {
  const std::string part(Spool::kChunk, 'x');
  const std::string upload = spool_->NewUploadId();
  ASSERT_TRUE(spool_->AddChunk(upload, 0, part).ok());
  AwaitChunk(upload, 0);
  ASSERT_TRUE(spool_->Collect(absl::Seconds(-1), absl::Hours(1)).ok());
  ASSERT_TRUE(spool_->AddChunk(upload, 1, "rest").ok());
  const absl::Status finished = spool_->FinishUpload(upload, part.size() + 4);
  EXPECT_EQ(rpc::ReasonOf(finished), type::v1::ERROR_REASON_UPLOAD_NOT_FOUND);
}

TEST_F(SpoolTest, EachPartGivesAnUploadTimeAgain) {
  const std::string part(Spool::kChunk, 'x');
  const std::string upload = spool_->NewUploadId();
  ASSERT_TRUE(spool_->AddChunk(upload, 0, part).ok());
  absl::SleepFor(absl::Milliseconds(1500));
  ASSERT_TRUE(spool_->AddChunk(upload, 1, "rest").ok());
  AwaitChunk(upload, 1);
  ASSERT_TRUE(spool_->Collect(absl::Seconds(1), absl::Hours(1)).ok());
  EXPECT_TRUE(spool_->FinishUpload(upload, part.size() + 4).ok());
}

}  // namespace
}  // namespace mailmesh::outbound_relay
