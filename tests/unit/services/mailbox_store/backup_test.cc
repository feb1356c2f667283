// Backups made while serving, restores that give nothing twice, databases of other schema versions.

#include <sys/stat.h>

#include <filesystem>

#include "common/base/file.h"
#include "common/rpc/status.h"
#include "services/mailbox_store/engine/backup.h"
#include "services/mailbox_store/engine/restore.h"
#include "services/mailbox_store/engine/upgrade.h"
#include "tests/unit/services/mailbox_store/store_fixture.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace mailbox::v1;  // NOLINT: the contract under test
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class BackupTest : public StoreFixture {
 protected:
  BackupTest() {
    Close();
    options_.backup_folder = folder_ + "/backups";
    Open();
  }

  absl::Status Make(const std::string& name, CreateBackupResponse* last = nullptr) {
    CreateBackupRequest request;
    request.set_name(name);
    auto reader = CreateBackup(store(), request);
    if (!reader.ok()) return reader.status();
    CreateBackupResponse response;
    while (true) {
      const absl::StatusOr<bool> more = (*reader)->Next(&response);
      if (!more.ok()) return more.status();
      if (!*more) break;
    }
    EXPECT_TRUE(response.done());
    EXPECT_EQ(response.done_bytes(), response.total_bytes());
    if (last != nullptr) *last = response;
    return absl::OkStatus();
  }
  std::vector<std::string> Names() {
    const auto listed = ListBackups(store(), {});
    EXPECT_TRUE(listed.ok()) << listed.status();
    std::vector<std::string> names;
    for (const Backup& backup : listed->backups()) names.push_back(backup.name());
    return names;
  }
  // Goes on from a backup, in a folder of its own.
  void Restore(const std::string& name) {
    Close();
    std::string kept;
    options_.path = folder_ + "/restored-" + std::to_string(++restores_);
    const absl::Status restored = RestoreFolder(options_.backup_folder + "/" + name, options_.path, &kept);
    ASSERT_TRUE(restored.ok()) << restored;
    EXPECT_EQ(kept, "");
    Open();
  }
  absl::StatusOr<DeliveryResult> DeliverFull(const std::string& account, const std::string& octets) {
    auto response = Wait(store(), &DeliverMessage, Delivery({account}, octets));
    if (!response.ok()) return response.status();
    return response->results(0);
  }
  static bool Has(const absl::Status& status, type::v1::ErrorReason reason) { return rpc::HasReason(status, reason); }

  int restores_ = 0;
};

TEST_F(BackupTest, IsMadeListedAndDeleted) {
  Deliver("ann", Message("a"));
  EXPECT_THAT(Names(), IsEmpty());
  CreateBackupResponse made;
  ASSERT_TRUE(Make("first", &made).ok());
  EXPECT_GT(made.total_bytes(), 0u);
  EXPECT_EQ(made.path(), options_.backup_folder + "/first");
  clock_.Advance(absl::Seconds(5));
  Deliver("ann", Message("b"));
  ASSERT_TRUE(Make("", &made).ok());  // named by the time
  EXPECT_THAT(Names(), ElementsAre(made.name(), "first"));
  EXPECT_EQ(made.name(), absl::FormatTime("%Y%m%dT%H%M%SZ", clock_.Now(), absl::UTCTimeZone()));
  EXPECT_EQ(Make("first").code(), absl::StatusCode::kAlreadyExists);
  DeleteBackupRequest remove;
  remove.set_name("first");
  EXPECT_TRUE(DeleteBackup(store(), remove).ok());
  EXPECT_TRUE(Has(DeleteBackup(store(), remove).status(), type::v1::ERROR_REASON_BACKUP_NOT_FOUND));
  EXPECT_THAT(Names(), ElementsAre(made.name()));
  // Nothing of the work is left.
  EXPECT_FALSE(base::FileExists(options_.path + "/backup.new"));
}

// They are ordered as they were made, whatever the clock said: who keeps the newest must not lose what was made last.
TEST_F(BackupTest, ListsTheLastOneMadeFirstThoughTheClockWasSetBack) {
  ASSERT_TRUE(Make("one").ok());
  clock_.Jump(clock_.Now() - absl::Hours(24));
  ASSERT_TRUE(Make("two").ok());
  Reopen();
  clock_.Jump(clock_.Now() - absl::Hours(24));
  ASSERT_TRUE(Make("three").ok());
  EXPECT_THAT(Names(), ElementsAre("three", "two", "one"));
  // Of programs that give no numbers: the clock tells.
  const auto unnumbered = [this](const std::string& name, const char* time) {
    const std::string folder = options_.backup_folder + "/" + name;
    std::filesystem::create_directory(folder);
    ASSERT_TRUE(base::WriteFileAtomically(BackupMark(folder), std::string("A backup of a mailmesh mailbox_store, made ") + time + "\n").ok());
  };
  unnumbered("late", "2049-01-01T00:00:00Z");
  unnumbered("old", "1999-01-01T00:00:00Z");
  EXPECT_THAT(Names(), ElementsAre("late", "three", "two", "one", "old"));
  ASSERT_TRUE(Make("last").ok());
  EXPECT_THAT(Names(), ElementsAre("last", "late", "three", "two", "one", "old"));
}

TEST_F(BackupTest, NamesAreSafeAndAFolderIsNeeded) {
  for (const char* name : {"../x", "a/b", ".hidden", "a b", "\xc3\xa4"}) {
    EXPECT_TRUE(Has(Make(name), type::v1::ERROR_REASON_BAD_NAME)) << name;
    DeleteBackupRequest remove;
    remove.set_name(name);
    EXPECT_TRUE(Has(DeleteBackup(store(), remove).status(), type::v1::ERROR_REASON_BAD_NAME)) << name;
  }
  EXPECT_TRUE(Make(std::string(64, 'x')).ok());
  EXPECT_TRUE(Has(Make(std::string(65, 'x')), type::v1::ERROR_REASON_BAD_NAME));
  Close();
  options_.backup_folder.clear();
  Open();
  EXPECT_TRUE(Has(Make("x"), type::v1::ERROR_REASON_NOT_ALLOWED));
}

TEST_F(BackupTest, NothingIsGivenTwice) {
  Deliver("ann", Message("a"));
  Deliver("ann", Message("b"));
  ASSERT_TRUE(Create("ann", "box").ok());
  const auto before = OpenBox("ann", "INBOX");
  ASSERT_TRUE(Make("b").ok());

  // What is lost: messages, flags, an expunge, a mailbox, an account.
  const auto lost = DeliverFull("ann", Message("lost"));
  ASSERT_TRUE(Flag("ann", "INBOX", UidSet::Single(1, 1), StoreFlagsRequest::MODE_ADD, kSeen | kDeleted).ok());
  ASSERT_TRUE(Expunge("ann", "INBOX").ok());
  ASSERT_TRUE(Create("ann", "later").ok());
  const auto later = OpenBox("ann", "later");
  const auto of_lost_account = DeliverFull("lost", Message("l"));
  const auto last = OpenBox("ann", "INBOX");

  Restore("b");
  const auto after = OpenBox("ann", "INBOX");
  EXPECT_EQ(after.uid_validity(), before.uid_validity());
  EXPECT_NE(after.incarnation(), before.incarnation());
  EXPECT_THAT(View("ann", "INBOX"), ElementsAre(Pair(1, 0), Pair(2, 0)));  // as the backup has it
  EXPECT_GT(after.uid_next(), last.uid_next());
  EXPECT_GT(after.highest_modseq(), last.highest_modseq());
  EXPECT_EQ(Content("ann", "INBOX", 1), Message("a"));

  const auto fresh = DeliverFull("ann", Message("new"));
  EXPECT_GT(fresh->uid(), lost->uid());
  EXPECT_NE(fresh->message_id(), lost->message_id());
  ASSERT_TRUE(Create("ann", "later").ok());
  EXPECT_GT(OpenBox("ann", "later").uid_validity(), later.uid_validity());
  EXPECT_NE(OpenBox("ann", "later").mailbox_id(), later.mailbox_id());
  EXPECT_NE(DeliverFull("other", Message("l"))->message_id(), of_lost_account->message_id());

  // Who was told all up to the loss is told of every message, and that what came after the backup is gone.
  const std::optional<MailboxId> inbox = ParseMailboxId(after.mailbox_id());
  const auto change = ReadChanges(store(), "ann", *inbox, last.highest_modseq());
  ASSERT_TRUE(change.ok()) << change.status();
  EXPECT_EQ(change->messages.size(), 3u);
  EXPECT_TRUE(change->expunged.Contains(lost->uid()));
  EXPECT_FALSE(change->expunged.Contains(2));
  EXPECT_FALSE(change->expunged.Contains(fresh->uid()));

  // Once is enough.
  const auto incarnation = after.incarnation();
  const uint32_t uid_next = OpenBox("ann", "INBOX").uid_next();
  Reopen();
  EXPECT_EQ(OpenBox("ann", "INBOX").incarnation(), incarnation);
  EXPECT_EQ(OpenBox("ann", "INBOX").uid_next(), uid_next);
}

TEST_F(BackupTest, ARestoreThatIsCutShortIsNotServed) {
  Deliver("ann", Message("a"));
  ASSERT_TRUE(Make("b").ok());
  Close();
  // As an interrupted one leaves it.
  std::filesystem::create_directories(options_.path + "/restore.new");
  const auto refused = Store::Open(options_);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition) << refused.status();
  std::string kept;
  ASSERT_TRUE(RestoreFolder(options_.backup_folder + "/b", options_.path, &kept).ok());
  EXPECT_TRUE(base::FileExists(kept + "/CURRENT"));
  Open();
  EXPECT_EQ(Status("ann", "INBOX").messages(), 1u);
}

TEST_F(BackupTest, WhatIsNoBackupIsNotRestored) {
  Close();
  std::string kept;
  EXPECT_FALSE(RestoreFolder(folder_ + "/nothing", options_.path, &kept).ok());
  std::filesystem::create_directories(folder_ + "/mark-only");
  std::filesystem::copy_file(options_.path + "/db/CURRENT", folder_ + "/mark-only/backup");
  EXPECT_FALSE(RestoreFolder(folder_ + "/mark-only", options_.path, &kept).ok());
  EXPECT_EQ(kept, "");
  Open();
}

TEST_F(BackupTest, GoesToAnotherFileSystem) {
  struct stat here = {};
  struct stat there = {};
  ASSERT_EQ(::stat(folder_.c_str(), &here), 0);
  if (::stat("/dev/shm", &there) != 0 || here.st_dev == there.st_dev) GTEST_SKIP() << "no second file system";
  std::string other = "/dev/shm/mailmesh-backup-XXXXXX";
  ASSERT_NE(::mkdtemp(other.data()), nullptr);
  Deliver("ann", Message("a"));
  Close();
  options_.backup_folder = other + "/backups";
  Open();
  EXPECT_TRUE(Make("b").ok());
  EXPECT_THAT(Names(), ElementsAre("b"));
  EXPECT_FALSE(base::FileExists(options_.path + "/backup.new"));
  Restore("b");
  EXPECT_EQ(Content("ann", "INBOX", 1), Message("a"));
  std::filesystem::remove_all(other);
}

TEST_F(BackupTest, AnOlderSchemaIsUpgradedAndANewerOneRefused) {
  Deliver("ann", Message("a"));
  Deliver("ann", Message("b"));
  // What version 1 could leave: use that is not what the messages give.
  auto write = [this](ColumnId column, const std::string& key, const std::string& octets) {
    kv::Commit commit;
    commit.batch.Put(store().column(column), key, octets);
    ASSERT_TRUE(store().pipeline().Write(std::move(commit)).ok());
  };
  auto version = [this]() {
    std::string octets;
    EXPECT_TRUE(*store().db().Get(store().column(ColumnId::kMeta), keys::Meta(), &octets));
    storage::v1::MailboxStoreMeta meta;
    EXPECT_TRUE(meta.ParseFromString(octets));
    return meta;
  };
  storage::v1::MailboxStoreMeta meta = version();
  EXPECT_EQ(meta.schema_version(), kSchemaVersion);
  const AccountPtr ann = *store().FindAccount("ann");
  std::string octets;
  ASSERT_TRUE(*store().db().Get(store().column(ColumnId::kAccounts), keys::Account(ann->number()), &octets));
  storage::v1::AccountRecord account;
  ASSERT_TRUE(account.ParseFromString(octets));
  const uint64_t use = account.octets();
  account.set_octets(7);
  account.set_messages(9);
  write(ColumnId::kAccounts, keys::Account(ann->number()), account.SerializeAsString());
  meta.set_schema_version(1);
  write(ColumnId::kMeta, keys::Meta(), meta.SerializeAsString());
  Reopen();
  // The step beyond is taken when an operator asks for it.
  EXPECT_EQ(version().schema_version(), kPreviousSchema);
  ASSERT_TRUE(*store().db().Get(store().column(ColumnId::kAccounts), keys::Account(ann->number()), &octets));
  ASSERT_TRUE(account.ParseFromString(octets));
  EXPECT_EQ(account.octets(), use);
  EXPECT_EQ(account.messages(), 2u);
  EXPECT_EQ(Deliver("ann", Message("c")), 3u);

  meta.set_schema_version(kSchemaVersion + 1);
  write(ColumnId::kMeta, keys::Meta(), meta.SerializeAsString());
  Close();
  const auto refused = Store::Open(options_);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition) << refused.status();
}

TEST_F(BackupTest, ABackupOfAnOlderSchemaIsUpgradedAndJumps) {
  Deliver("ann", Message("a"));
  std::string octets;
  ASSERT_TRUE(*store().db().Get(store().column(ColumnId::kMeta), keys::Meta(), &octets));
  storage::v1::MailboxStoreMeta meta;
  ASSERT_TRUE(meta.ParseFromString(octets));
  meta.set_schema_version(1);
  kv::Commit commit;
  commit.batch.Put(store().column(ColumnId::kMeta), keys::Meta(), meta.SerializeAsString());
  ASSERT_TRUE(store().pipeline().Write(std::move(commit)).ok());
  ASSERT_TRUE(Make("old").ok());
  const uint32_t lost = Deliver("ann", Message("lost"));
  Restore("old");
  EXPECT_NE(OpenBox("ann", "INBOX").incarnation(), meta.incarnation());
  EXPECT_GT(Deliver("ann", Message("new")), lost);
}

}  // namespace
}  // namespace mailmesh::mailbox_store
