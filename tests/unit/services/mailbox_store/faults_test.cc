// What a failing disk and a full one do to the store.

#include <rocksdb/env.h>

#include <filesystem>
#include <fstream>

#include "common/rpc/status.h"
#include "tests/unit/common/kv/failing_env_for_test.h"
#include "tests/unit/services/mailbox_store/store_fixture.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace mailbox::v1;  // NOLINT: the contract under test
using testing::ElementsAre;
using testing::Pair;

class FaultsTest : public StoreFixture {
 protected:
  ~FaultsTest() override { Close(); }
  std::shared_ptr<kv::FailingFileSystem> files_ = std::make_shared<kv::FailingFileSystem>();
  std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(files_);
};

TEST_F(FaultsTest, AFailedSyncEndsTheDatabaseAndARetryStoresOnce) {
  Close();
  int fatal = 0;
  options_.env = env_.get();
  options_.on_fatal = [&](const absl::Status&) { ++fatal; };
  Open();
  Deliver("ann", Message("a"));
  files_->fault = kv::LogFault::kErrorOnSync;
  const auto request = Delivery({"ann"}, Message("b"));
  const auto failed = Wait(store(), &DeliverMessage, request);
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kUnavailable) << failed.status();
  EXPECT_EQ(fatal, 1);
  EXPECT_THAT(View("ann", "INBOX"), ElementsAre(Pair(1, 0)));  // reading goes on
  EXPECT_EQ(Wait(store(), &DeliverMessage, Delivery({"ann"}, Message("c"))).status().code(),
            absl::StatusCode::kUnavailable);
  files_->fault = kv::LogFault::kNone;
  Reopen();
  // The record may have reached the log all the same: the request's id tells.
  const auto again = Wait(store(), &DeliverMessage, request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->results(0).uid(), 2u);
  EXPECT_EQ(Status("ann", "INBOX").messages(), 2u);
}

TEST_F(FaultsTest, BelowTheFloorGrowthIsRefusedAndTheRestGoesOn) {
  Deliver("ann", Message("a"));
  Deliver("ann", Message("b"));
  Close();
  options_.free_space_floor_bytes = uint64_t{1} << 60;
  Open();
  const auto refused = Wait(store(), &DeliverMessage, Delivery({"ann"}, Message("c")));
  EXPECT_TRUE(rpc::HasReason(refused.status(), type::v1::ERROR_REASON_DISK_FULL)) << refused.status();
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  auto upload = store().uploads().Begin();
  EXPECT_TRUE(rpc::HasReason(upload.status(), type::v1::ERROR_REASON_DISK_FULL)) << upload.status();
  EXPECT_EQ(Content("ann", "INBOX", 1), Message("a"));
  EXPECT_TRUE(Flag("ann", "INBOX", UidSet::Single(1, 1), StoreFlagsRequest::MODE_ADD, kDeleted).ok());
  EXPECT_TRUE(Expunge("ann", "INBOX").ok());
  CollectAll();
  EXPECT_EQ(CountKeys(ColumnId::kBlobs), 1u);
  Close();
  options_.free_space_floor_bytes = 32 << 20;
  Open();
  EXPECT_EQ(Deliver("ann", Message("c")), 3u);
}

// One content is damaged on the disk: it is told as such, and everything else goes on.
TEST_F(FaultsTest, ADamagedContentIsNoOthersTrouble) {
  std::string large = Message("large");
  for (int i = 0; i < 5000; ++i) large += "line " + std::to_string(i * 7919) + "\r\n";
  Deliver("ann", large);
  Deliver("bob", Message("b"));
  ASSERT_TRUE(store().db().Flush().ok());
  Close();
  int damaged = 0;
  for (const auto& file : std::filesystem::directory_iterator(options_.path + "/db")) {
    if (file.path().extension() != ".blob") continue;
    std::fstream octets(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    octets.seekp(static_cast<std::streamoff>(file.file_size() / 2));
    octets.write("damage", 6);
    ++damaged;
  }
  ASSERT_EQ(damaged, 1);
  Open();
  FetchContentRequest request;
  request.set_account_id("ann");
  request.set_mailbox_id(IdOf("ann", "INBOX"));
  UidSet::All().ToProto(request.mutable_uids());
  request.add_selectors();
  auto reader = FetchContent(store(), request);
  ASSERT_TRUE(reader.ok()) << reader.status();
  FetchContentResponse response;
  const auto read = (*reader)->Next(&response);
  EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss) << read.status();
  reader->reset();
  EXPECT_FALSE(store().db().failed());
  EXPECT_EQ(Content("bob", "INBOX", 1), Message("b"));
  EXPECT_EQ(Deliver("ann", Message("more")), 2u);
  EXPECT_EQ(Content("ann", "INBOX", 2), Message("more"));
}

}  // namespace
}  // namespace mailmesh::mailbox_store
