#include "services/outbound_relay/spool.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "absl/synchronization/notification.h"
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

  static Item MakeItem(int64_t due_ms) {
    Item item;
    item.set_reverse_path("a@a.test");
    item.add_recipients()->set_forward_path("b@b.test");
    item.set_queued_ms(due_ms);
    item.set_next_attempt_ms(due_ms);
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

  void Finish(const QueueId& id, const Item& item, bool remove, int64_t old_due) {
    absl::Notification done;
    const auto notify = [&](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      done.Notify();
    };
    if (remove) {
      spool_->Remove(id, item, old_due, {}, notify);
    } else {
      spool_->Update(id, item, old_due, {}, notify);
    }
    done.WaitForNotification();
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

TEST_F(SpoolTest, DueInTheOrderOfTime) {
  ASSERT_TRUE(Enqueue("id-b", MakeItem(200), "x").ok());
  ASSERT_TRUE(Enqueue("id-a", MakeItem(300), "x").ok());
  ASSERT_TRUE(Enqueue("id-c", MakeItem(100), "x").ok());
  auto due = spool_->ReadDue(200, 10).value();
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].id, "id-c");
  EXPECT_EQ(due[1].id, "id-b");
  EXPECT_EQ(spool_->ReadDue(99, 10).value().size(), 0u);
  EXPECT_EQ(spool_->ReadDue(1000, 1).value().size(), 1u);
  EXPECT_EQ(spool_->EarliestDue().value().value(), 100);
}

TEST_F(SpoolTest, AnUpdateMovesItInTheIndexAndARemovalLeavesNothing) {
  ASSERT_TRUE(Enqueue("id-1", MakeItem(100), "octets").ok());
  Item item = spool_->Read("id-1").value();
  item.set_next_attempt_ms(500);
  Finish("id-1", item, false, 100);
  EXPECT_EQ(spool_->ReadDue(499, 10).value().size(), 0u);
  EXPECT_EQ(spool_->ReadDue(500, 10).value().size(), 1u);
  EXPECT_EQ(spool_->Count().value(), 1u);
  Finish("id-1", item, true, 500);
  EXPECT_EQ(spool_->Count().value(), 0u);
  EXPECT_TRUE(absl::IsNotFound(spool_->Read("id-1").status()));
  EXPECT_FALSE(spool_->ReadChunk("id-1", 0).ok());
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

}  // namespace
}  // namespace mailmesh::outbound_relay
