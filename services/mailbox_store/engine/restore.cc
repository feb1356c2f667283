#include "services/mailbox_store/engine/restore.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/kv/folder_copy.h"
#include "services/mailbox_store/engine/backup.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/keys.h"
#include "services/mailbox_store/engine/message_record.h"
#include "services/mailbox_store/engine/uid_set.h"

namespace mailmesh::mailbox_store {
namespace {

// More than can have been given between a backup and the loss: a million a mailbox or account, four thousand million MODSEQs.
constexpr uint32_t kUidJump = 1 << 20;
constexpr uint32_t kValidityJump = 1 << 16;
constexpr uint64_t kNumberJump = 1 << 20;
constexpr uint64_t kCounterJump = uint64_t{1} << 32;
constexpr size_t kBatchOctets = 4 << 20;

uint32_t Jump(uint32_t value, uint32_t by) { return value < kMaxUid - 1 - by ? value + by : kMaxUid - 1; }

template <class Record>
bool Parse(std::string_view octets, Record* record) {
  return record->ParseFromArray(octets.data(), static_cast<int>(octets.size()));
}

class Jumper {
 public:
  explicit Jumper(Store& store) : store_(store) {}

  absl::Status Run(storage::v1::MailboxStoreMeta* meta) {
    auto it = store_.db().NewIterator(store_.column(ColumnId::kAccounts), "", "");
    uint64_t last = meta->accounts_taken();
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      std::string_view key = it->key();
      storage::v1::AccountRecord record;
      const std::optional<AccountId> account = keys::TakeAccount(key);
      if (!account || !Parse(it->value(), &record)) return Damaged("account");
      last = std::max(last, account->value());
      RETURN_IF_ERROR(JumpAccount(*account, record));
      batch_.Put(store_.column(ColumnId::kAccounts), it->key(), record.SerializeAsString());
      RETURN_IF_ERROR(WriteIfLarge());
    }
    RETURN_IF_ERROR(FromKv(it->status()));
    meta->set_accounts_taken(last + kNumberJump);
    meta->set_incarnation(base::NewIdText(store_.clock()));
    meta->set_restored_seconds(store_.NowSeconds());
    batch_.Put(store_.column(ColumnId::kMeta), keys::Meta(), meta->SerializeAsString());
    return Write(/*sync=*/true);
  }

 private:
  absl::Status JumpAccount(AccountId account, storage::v1::AccountRecord& record) {
    record.set_modseq(record.modseq() + kCounterJump);
    record.set_last_mailbox(record.last_mailbox() + kNumberJump);
    record.set_last_instance(record.last_instance() + kCounterJump);
    record.set_last_fetch_job(record.last_fetch_job() + kNumberJump);
    const auto now = static_cast<uint32_t>(std::clamp<int64_t>(store_.NowSeconds(), 1, kMaxUid - 1));
    record.set_last_uid_validity(Jump(std::max(record.last_uid_validity(), now), kValidityJump));
    const std::string prefix = keys::Account(account);
    auto mailboxes = store_.db().NewIterator(store_.column(ColumnId::kMailboxes), prefix, kv::PrefixEnd(prefix));
    for (mailboxes->SeekToFirst(); mailboxes->Valid(); mailboxes->Next()) {
      std::string_view id = mailboxes->key().substr(prefix.size());
      const std::optional<MailboxId> mailbox = keys::TakeMailbox(id);
      storage::v1::MailboxRecord box;
      if (!mailbox || !Parse(mailboxes->value(), &box)) return Damaged("mailbox");
      RETURN_IF_ERROR(JumpMailbox(account, *mailbox, record.modseq(), box));
      batch_.Put(store_.column(ColumnId::kMailboxes), mailboxes->key(), box.SerializeAsString());
    }
    RETURN_IF_ERROR(FromKv(mailboxes->status()));
    return JumpJobs(prefix);
  }

  absl::Status JumpMailbox(AccountId account, MailboxId mailbox, uint64_t modseq, storage::v1::MailboxRecord& box) {
    const uint32_t first_lost = box.uid_next();
    box.set_uid_next(Jump(first_lost, kUidJump));
    box.set_highest_modseq(modseq);
    // Who asks for changes since an older MODSEQ is answered from all messages.
    box.set_changes_from(modseq);
    box.set_changes(0);
    auto changes = store_.db().NewIterator(store_.column(ColumnId::kChanges),
                                           keys::Change(account, mailbox, ChangeKind::kChanged, ModSeq()),
                                           keys::Change(account, mailbox, ChangeKind::kExpunged, ModSeq()));
    for (changes->SeekToFirst(); changes->Valid(); changes->Next()) {
      batch_.Delete(store_.column(ColumnId::kChanges), changes->key());
    }
    RETURN_IF_ERROR(FromKv(changes->status()));
    if (box.uid_next() > first_lost) {
      batch_.Put(store_.column(ColumnId::kChanges), keys::Change(account, mailbox, ChangeKind::kExpunged, ModSeq(modseq)),
                 UidSet::Single(first_lost, box.uid_next() - 1).Encode());
    }
    const std::string prefix = keys::Mailbox(account, mailbox);
    auto pages = store_.db().NewIterator(store_.column(ColumnId::kMessages), prefix, kv::PrefixEnd(prefix), nullptr,
                                         /*long_scan=*/true);
    for (pages->SeekToFirst(); pages->Valid(); pages->Next()) {
      kv::PageReader reader(pages->value());
      kv::PageWriter writer;
      while (reader.Next()) {
        MessageRecord message;
        if (!message.Decode(reader.payload())) return Damaged("message");
        message.modseq = modseq;
        writer.Add(reader.index(), message.Encode());
      }
      if (reader.damaged()) return Damaged("page of messages");
      batch_.Put(store_.column(ColumnId::kMessages), pages->key(), writer.octets());
      RETURN_IF_ERROR(WriteIfLarge());
    }
    return FromKv(pages->status());
  }

  absl::Status JumpJobs(const std::string& prefix) {
    auto jobs = store_.db().NewIterator(store_.column(ColumnId::kJobs), prefix, kv::PrefixEnd(prefix));
    for (jobs->SeekToFirst(); jobs->Valid(); jobs->Next()) {
      storage::v1::FetchJobRecord job;
      if (!Parse(jobs->value(), &job)) return Damaged("fetch job");
      job.set_lease_token(job.lease_token() + kCounterJump);
      job.set_lease_until_seconds(0);
      job.clear_lease_holder();
      batch_.Put(store_.column(ColumnId::kJobs), jobs->key(), job.SerializeAsString());
    }
    return FromKv(jobs->status());
  }

  absl::Status WriteIfLarge() { return batch_.octets() < kBatchOctets ? absl::OkStatus() : Write(/*sync=*/false); }

  absl::Status Write(bool sync) {
    kv::Commit commit;
    commit.batch = std::exchange(batch_, kv::Batch());
    commit.sync = sync;
    return FromKv(store_.pipeline().Write(std::move(commit)));
  }

  Store& store_;
  kv::Batch batch_;
};

std::string Incoming(const std::string& store_folder) { return store_folder + "/restore.new"; }

// As RocksDB locks a database: by fcntl. It is given back when the descriptor is closed.
absl::Status CheckNotRunning(const std::string& database) {
  const int fd = ::open((database + "/LOCK").c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? absl::OkStatus() : base::ErrnoStatus(errno, "open " + database + "/LOCK");
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  const bool free = ::fcntl(fd, F_SETLK, &lock) == 0;
  ::close(fd);
  return free ? absl::OkStatus() : InUse("a store is running on " + database + ": stop it first");
}

}  // namespace

absl::Status JumpAhead(Store& store, storage::v1::MailboxStoreMeta* meta) { return Jumper(store).Run(meta); }

absl::Status CheckNoRestoreUnderWay(const std::string& store_folder) {
  if (!base::FileExists(Incoming(store_folder))) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("a restore of ", store_folder, " was not finished: run it again, or remove ", Incoming(store_folder)));
}

absl::Status RestoreFolder(const std::string& backup, const std::string& store_folder, std::string* kept) {
  RETURN_IF_ERROR(BackupTime(backup).status());
  if (!base::FileExists(backup + "/db/CURRENT")) return absl::NotFoundError(backup + " has no database");
  const std::string database = store_folder + "/db";
  const std::string incoming = Incoming(store_folder);
  RETURN_IF_ERROR(CheckNotRunning(database));
  RETURN_IF_ERROR(base::MakeDirectories(store_folder));
  RETURN_IF_ERROR(kv::RemoveAll(incoming));
  // From here on, until its folder goes, the store does not open.
  RETURN_IF_ERROR(kv::CopyFolder(backup, incoming, {}));
  if (base::FileExists(database)) {
    *kept = absl::StrCat(database, ".before-", absl::FormatTime("%Y%m%dT%H%M%SZ", absl::Now(), absl::UTCTimeZone()));
    RETURN_IF_ERROR(kv::MoveSynced(database, *kept));
  }
  RETURN_IF_ERROR(kv::MoveSynced(BackupMark(incoming), BackupMark(store_folder)));
  RETURN_IF_ERROR(kv::MoveSynced(incoming + "/db", database));
  return kv::RemoveAll(incoming);
}

}  // namespace mailmesh::mailbox_store
