// The step from schema 2 to 3: nothing before it is asked for, everything after it, killed at any point, beside those who write.
#include <rocksdb/env.h>
#include <rocksdb/perf_context.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "common/base/file.h"
#include "common/kv/page_merge.h"
#include "services/mailbox_store/engine/arrival_step.h"
#include "services/mailbox_store/engine/backup.h"
#include "services/mailbox_store/engine/keys.h"
#include "services/mailbox_store/engine/upgrade.h"
#include "tests/unit/common/kv/failing_env_for_test.h"
#include "tests/unit/services/mailbox_store/store_fixture.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace mailbox::v1;  // NOLINT: the contract under test

class UpgradeTest : public StoreFixture {
 protected:
  void Write(ColumnId column, const std::string& key, const std::string& octets) {
    kv::Commit commit;
    commit.batch.Put(store().column(column), key, octets);
    ASSERT_TRUE(store().pipeline().Write(std::move(commit)).ok());
  }
  storage::v1::MailboxStoreMeta Meta() {
    std::string octets;
    EXPECT_TRUE(*store().db().Get(store().column(ColumnId::kMeta), keys::Meta(), &octets));
    storage::v1::MailboxStoreMeta meta;
    EXPECT_TRUE(meta.ParseFromString(octets));
    return meta;
  }
  // The database as the version before left it: schema 2, and nothing of arrivals.
  void AsBefore() {
    auto it = store().db().NewIterator(store().column(ColumnId::kMailboxes), "", "");
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      storage::v1::MailboxRecord record;
      ASSERT_TRUE(record.ParseFromString(std::string(it->value())));
      record.clear_last_arrival_seconds();
      Write(ColumnId::kMailboxes, std::string(it->key()), record.SerializeAsString());
    }
    it.reset();
    storage::v1::MailboxStoreMeta meta = Meta();
    meta.set_schema_version(kPreviousSchema);
    meta.clear_step_accounts();
    Write(ColumnId::kMeta, keys::Meta(), meta.SerializeAsString());
    Reopen();
    ASSERT_EQ(store().schema_version(), kPreviousSchema);
  }
  // Three accounts; each message an hour after the one before. What `last_` says is what each mailbox must come to tell.
  void Fill() {
    for (const char* account : {"ann", "bob", "eve"}) {
      for (int i = 0; i < 3; ++i) {
        clock_.Advance(absl::Hours(1));
        Deliver(account, Message("m" + std::to_string(i)));
      }
      Came(account, "INBOX");
      ASSERT_TRUE(Create(account, "Empty").ok());
      ASSERT_TRUE(Create(account, "Archive").ok());
      clock_.Advance(absl::Hours(1));
      ASSERT_TRUE(Append(account, "Archive", Message("a")).ok());
      Came(account, "Archive");
    }
  }
  void Came(const std::string& account, const std::string& mailbox) { last_[{account, mailbox}] = absl::ToUnixSeconds(clock_.Now()); }
  void ExpectAllTold() {
    for (const auto& [place, seconds] : last_) {
      EXPECT_EQ(Status(place.first, place.second).last_arrival_time().seconds(), seconds) << place.first << " " << place.second;
      EXPECT_FALSE(Status(place.first, "Empty").has_last_arrival_time());
    }
  }
  void RunToEnd(int units = 500) {
    ArrivalStep step(store(), {.units = units});
    for (int i = 0; i < 1000; ++i) {
      const absl::StatusOr<bool> more = step.RunOnce();
      ASSERT_TRUE(more.ok()) << more.status();
      if (!*more) break;
    }
    EXPECT_EQ(step.left(), 0u);
    EXPECT_FALSE(Meta().has_step_accounts());
  }
  std::string PageKey(const std::string& account, const std::string& mailbox, uint32_t page) {
    return keys::Page((*store().FindAccount(account))->number(), *ParseMailboxId(IdOf(account, mailbox)), page);
  }

  std::map<std::pair<std::string, std::string>, int64_t> last_;
};

TEST_F(UpgradeTest, ANewDatabaseHasTheNewestSchema) {
  EXPECT_EQ(store().schema_version(), kSchemaVersion);
  Fill();
  ExpectAllTold();
  ArrivalStep step(store(), {});
  EXPECT_TRUE(step.Finalize().ok());
  EXPECT_FALSE(*step.RunOnce());
}

TEST_F(UpgradeTest, UntilItIsFinalizedTheDatabaseIsAsTheVersionBeforeWantsIt) {
  Fill();
  AsBefore();
  ArrivalStep step(store(), {});
  EXPECT_FALSE(*step.RunOnce());
  Deliver("ann", Message("new"));
  ASSERT_TRUE(Append("bob", "Archive", Message("new")).ok());
  CopyMessagesRequest copy;
  copy.set_request_id(NewRequestId());
  copy.set_account_id("ann");
  copy.set_mailbox_id(IdOf("ann", "INBOX"));
  UidSet::All().ToProto(copy.mutable_uids());
  copy.set_to_mailbox("Archive");
  ASSERT_TRUE(Wait(store(), &CopyMessages, copy).ok());
  Reopen();
  EXPECT_EQ(Meta().schema_version(), kPreviousSchema);
  auto it = store().db().NewIterator(store().column(ColumnId::kMailboxes), "", "");
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    storage::v1::MailboxRecord record;
    ASSERT_TRUE(record.ParseFromString(std::string(it->value())));
    EXPECT_EQ(record.last_arrival_seconds(), 0) << record.name();
  }
  EXPECT_FALSE(Status("ann", "INBOX").has_last_arrival_time());
}

TEST_F(UpgradeTest, FinalizedEveryMailboxTellsWhenItsLastMessageCame) {
  Fill();
  AsBefore();
  {
    ArrivalStep step(store(), {});
    ASSERT_TRUE(step.Finalize().ok());
    EXPECT_EQ(step.left(), 3u);
  }
  EXPECT_EQ(Meta().schema_version(), kSchemaVersion);
  RunToEnd();
  ExpectAllTold();
  Reopen();
  EXPECT_EQ(store().schema_version(), kSchemaVersion);
  ExpectAllTold();
}

TEST_F(UpgradeTest, WhatComesMeanwhileIsTheLast) {
  Fill();
  AsBefore();
  ArrivalStep step(store(), {});
  ASSERT_TRUE(step.Finalize().ok());
  clock_.Advance(absl::Hours(1));
  // One that stays, and one that is gone again before the step comes to it: both came last.
  Deliver("ann", Message("new"));
  Came("ann", "INBOX");
  ASSERT_TRUE(Append("bob", "Archive", Message("new"), kDeleted).ok());
  ASSERT_TRUE(Expunge("bob", "Archive").ok());
  Came("bob", "Archive");
  ASSERT_TRUE(Create("eve", "Late").ok());
  Deliver("new", Message("first"));
  Came("new", "INBOX");
  ASSERT_TRUE(Create("new", "Empty").ok());
  RunToEnd();
  ExpectAllTold();
  EXPECT_FALSE(Status("eve", "Late").has_last_arrival_time());
}

// Killed after each number of rounds, of one account each, with mail between them.
TEST_F(UpgradeTest, KilledAtAnyPointItGoesOn) {
  Fill();
  AsBefore();
  const std::string before = options_.path;
  const auto last = last_;
  for (int rounds = 0; rounds <= 4; ++rounds) {
    SCOPED_TRACE(rounds);
    Close();
    options_.path = before + "-" + std::to_string(rounds);
    std::filesystem::copy(before, options_.path, std::filesystem::copy_options::recursive);
    last_ = last;
    Open();
    ASSERT_EQ(store().schema_version(), kPreviousSchema);
    {
      ArrivalStep step(store(), {.units = 1});
      ASSERT_TRUE(step.Finalize().ok());
      for (int i = 0; i < rounds; ++i) {
        clock_.Advance(absl::Hours(1));
        const std::string account = i % 2 == 0 ? "eve" : "ann";
        Deliver(account, Message("between"));
        Came(account, "INBOX");
        ASSERT_TRUE(step.RunOnce().ok());
      }
    }
    Crash();
    EXPECT_EQ(store().schema_version(), kSchemaVersion);
    EXPECT_EQ(Meta().has_step_accounts(), rounds < 3);
    RunToEnd(1);
    ExpectAllTold();
  }
}

// Before it is durable it may be there or not; the store is whole either way.
TEST_F(UpgradeTest, AFinalizeThatCouldNotBeSyncedIsAskedForAgain) {
  Fill();
  AsBefore();
  Close();
  auto files = std::make_shared<kv::FailingFileSystem>();
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(files);
  options_.env = env.get();
  options_.on_fatal = [](const absl::Status&) {};
  Open();
  files->fault = kv::LogFault::kErrorOnSync;
  {
    ArrivalStep step(store(), {});
    EXPECT_FALSE(step.Finalize().ok());
  }
  files->fault = kv::LogFault::kNone;
  Reopen();
  {
    ArrivalStep step(store(), {});
    EXPECT_TRUE(step.Finalize().ok());
  }
  RunToEnd();
  ExpectAllTold();
  Close();
}

TEST_F(UpgradeTest, StoppedAtAnyMomentItGoesOnBesideThoseWhoWrite) {
  Fill();
  for (int i = 0; i < 40; ++i) Deliver("more" + std::to_string(i), Message("m"));
  AsBefore();
  {
    ArrivalStep step(store(), {});
    ASSERT_TRUE(step.Finalize().ok());
  }
  clock_.Advance(absl::Hours(1));
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; !done; ++i) {
      AppendMessagesRequest request;
      request.set_request_id("w" + std::to_string(i));
      request.set_account_id("more" + std::to_string(i % 40));
      request.set_mailbox("INBOX");
      request.add_messages()->mutable_body()->set_inline_octets(Message("by the writer"));
      EXPECT_TRUE(Wait(store(), &AppendMessages, request).ok());
    }
  });
  for (int i = 0; i < 200; ++i) {
    ArrivalStep step(store(), {.units = 1, .pause = absl::ZeroDuration()});
    step.Start();
    step.Stop();
    if (step.left() == 0) break;
  }
  done = true;
  writer.join();
  RunToEnd();
  ExpectAllTold();
  for (int i = 0; i < 40; ++i) {
    const std::vector<MessageSummary> summaries = Summaries("more" + std::to_string(i), "INBOX");
    EXPECT_EQ(Status("more" + std::to_string(i), "INBOX").last_arrival_time().seconds(), summaries.back().save_date_seconds());
  }
}

// A restored backup has a million UIDs without a message behind the last one, and a million numbers without an account.
TEST_F(UpgradeTest, WhatARestoreJumpedOverIsNeitherWalkedNorCounted) {
  Deliver("ann", Message("first"));
  clock_.Advance(absl::Hours(1));
  for (int i = 0; i < 13; ++i) {
    CopyMessagesRequest copy;
    copy.set_request_id(NewRequestId());
    copy.set_account_id("ann");
    copy.set_mailbox_id(IdOf("ann", "INBOX"));
    UidSet::All().ToProto(copy.mutable_uids());
    copy.set_to_mailbox("INBOX");
    ASSERT_TRUE(Wait(store(), &CopyMessages, copy).ok());
  }
  ASSERT_EQ(Status("ann", "INBOX").messages(), 1u << 13);
  Came("ann", "INBOX");
  ASSERT_TRUE(Create("ann", "Empty").ok());
  AsBefore();
  // As RestoreFolder leaves it.
  Close();
  ASSERT_TRUE(base::WriteFileAtomically(BackupMark(options_.path), "").ok());
  Open();
  ASSERT_GT(Meta().accounts_taken(), 1u << 20);
  Deliver("late", Message("m"));
  ASSERT_TRUE(Create("late", "Empty").ok());
  uint64_t octets = 0;
  auto it = store().db().NewIterator(store().column(ColumnId::kMessages), "", "");
  for (it->SeekToFirst(); it->Valid(); it->Next()) octets += it->value().size();
  it.reset();
  {
    ArrivalStep step(store(), {.units = 1});
    ASSERT_TRUE(step.Finalize().ok());
    EXPECT_EQ(step.left(), 2u);
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kEnableCount);
    rocksdb::get_perf_context()->Reset();
    ASSERT_TRUE(*step.RunOnce());
    EXPECT_LT(rocksdb::get_perf_context()->iter_read_bytes, octets / 2);
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
    EXPECT_EQ(step.left(), 1u);
  }
  // A process that is started in the midst of it counts the same.
  EXPECT_EQ(ArrivalStep(store(), {}).left(), 1u);
  RunToEnd();
  ExpectAllTold();
}

TEST_F(UpgradeTest, ADamagedMailboxAndADeletedAccountKeepNoneOfTheOthers) {
  Fill();
  Deliver("gone", Message("m"));
  DeleteAccountRequest remove;
  remove.set_request_id(NewRequestId());
  remove.set_account_id("gone");
  ASSERT_TRUE(Wait(store(), &DeleteAccount, remove).ok());
  Deliver("after", Message("m"));
  Came("after", "INBOX");
  ASSERT_TRUE(Create("after", "Empty").ok());
  AsBefore();
  kv::PageWriter page;
  page.Add(3, "damaged");
  Write(ColumnId::kEntries, PageKey("ann", "INBOX", 0), page.Take());
  last_.erase({"ann", "INBOX"});
  Reopen();
  {
    ArrivalStep step(store(), {});
    ASSERT_TRUE(step.Finalize().ok());
  }
  RunToEnd();
  ExpectAllTold();
  EXPECT_FALSE(Status("ann", "INBOX").has_last_arrival_time());
}

}  // namespace
}  // namespace mailmesh::mailbox_store
