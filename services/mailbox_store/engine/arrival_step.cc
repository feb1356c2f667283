#include "services/mailbox_store/engine/arrival_step.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/page_walk.h"
#include "services/mailbox_store/engine/repair.h"
#include "services/mailbox_store/engine/upgrade.h"

namespace mailmesh::mailbox_store {
namespace {

// The greatest UID below `end` in the first page that has one from `first` on; 0: there is none.
absl::StatusOr<uint32_t> UidFrom(Txn& txn, MailboxId mailbox, uint32_t first, uint32_t end) {
  const UidSet uids = UidSet::Single(first, end - 1);
  PageWalk walk(txn, ColumnId::kMessages, mailbox, uids, end);
  ASSIGN_OR_RETURN(const bool found, walk.Next());
  uint32_t last = 0;
  if (!found) return last;
  for (uint32_t i = walk.NextIndex(0); i < kv::kPageWidth; i = walk.NextIndex(i + 1)) last = walk.base_uid() + i;
  return last;
}

// The greatest UID; 0: there is none. Halves what it may be, so that neither the messages before it nor UIDs that were jumped over (a
// restored backup has a million of them) are walked over.
absl::StatusOr<uint32_t> LastUid(Txn& txn, MailboxId mailbox, uint32_t uid_next) {
  uint32_t last = 0;
  uint32_t end = uid_next;  // there is none from here on
  while (end - last > 1) {
    const uint32_t middle = last + (end - last) / 2;
    ASSIGN_OR_RETURN(const uint32_t found, UidFrom(txn, mailbox, middle, end));
    if (found == 0) {
      end = middle;
    } else {
      last = found;
    }
  }
  return last;
}

absl::Status FillIn(Txn& txn, MailboxId mailbox) {
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* record, txn.Mailbox(mailbox));
  // A message came meanwhile, or there is none.
  if (record->last_arrival_seconds() != 0 || record->messages() == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const uint32_t last, LastUid(txn, mailbox, record->uid_next()));
  StagedPage page;
  RETURN_IF_ERROR(txn.ReadPage(ColumnId::kEntries, keys::Page(txn.number(), mailbox, last >> kPageBits), &page));
  const uint32_t index = last & (kv::kPageWidth - 1);
  EntryRecord entry;
  if (!page.view.Has(index) || !entry.Decode(page.view.At(index))) return Damaged("entry");
  ASSIGN_OR_RETURN(storage::v1::MailboxRecord * edited, txn.EditMailbox(mailbox));
  edited->set_last_arrival_seconds(entry.save_seconds);
  return absl::OkStatus();
}

// What is damaged is for `mailmesh store verify` to tell of, and what is gone has nothing to fill in: neither keeps the others.
bool Stays(const absl::Status& status) { return !status.ok() && !absl::IsNotFound(status) && !absl::IsDataLoss(status); }

}  // namespace

ArrivalStep::ArrivalStep(Store& store, Options options) : store_(store), options_(std::move(options)) {
  const storage::v1::MailboxStoreMeta meta = store_.meta();
  if (meta.has_step_accounts()) left_ = CountFrom(AccountId(meta.step_accounts() + 1));
}

// Numbers do not tell: a restored database jumps over a million of them.
uint64_t ArrivalStep::CountFrom(AccountId first) const {
  uint64_t count = 0;
  auto it = store_.db().NewIterator(store_.column(ColumnId::kAccounts), keys::Account(first), "");
  for (it->SeekToFirst(); it->Valid(); it->Next()) ++count;
  return count;
}

void ArrivalStep::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void ArrivalStep::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

bool ArrivalStep::stopping() const {
  absl::MutexLock lock(&mutex_);
  return stop_;
}

void ArrivalStep::Loop() {
  bool failing = false;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      auto something = [this] {
        mutex_.AssertReaderHeld();
        return stop_ || due_;
      };
      mutex_.Await(absl::Condition(&something));
      if (stop_) return;
      due_ = false;
    }
    const absl::StatusOr<bool> more = RunOnce();
    if (!more.ok() && !failing && options_.on_error) options_.on_error(more.status());
    failing = !more.ok();
    if (options_.on_progress) options_.on_progress();
    absl::MutexLock lock(&mutex_);
    if (!more.ok() || *more) due_ = true;
    if (mutex_.AwaitWithTimeout(absl::Condition(&stop_), options_.pause)) return;
  }
}

absl::Status ArrivalStep::Finalize() {
  if (store_.schema_version() >= kSchemaVersion) return absl::OkStatus();
  left_ = CountFrom(AccountId());
  RETURN_IF_ERROR(store_.EditMeta(
      [](storage::v1::MailboxStoreMeta& meta) {
        meta.set_schema_version(kSchemaVersion);
        meta.set_step_accounts(0);
      },
      /*sync=*/true));
  telemetry::Info("database upgraded", {{"schema_version", kSchemaVersion}});
  if (options_.on_progress) options_.on_progress();
  absl::MutexLock lock(&mutex_);
  due_ = true;
  return absl::OkStatus();
}

uint64_t ArrivalStep::left() const {
  if (!store_.meta().has_step_accounts()) return 0;
  // Until its end is noted something is left.
  return std::max<uint64_t>(left_, 1);
}

absl::StatusOr<bool> ArrivalStep::RunOnce() {
  const storage::v1::MailboxStoreMeta meta = store_.meta();
  if (!meta.has_step_accounts()) return false;
  AccountId done(meta.step_accounts());
  int units = options_.units;
  uint64_t taken = 0;
  auto it = store_.db().NewIterator(store_.column(ColumnId::kAccounts), keys::Account(AccountId(done.value() + 1)), "");
  for (it->SeekToFirst(); it->Valid() && units > 0; it->Next()) {
    std::string_view key = it->key();
    const std::optional<AccountId> account = keys::TakeAccount(key);
    if (!account) return Damaged("account's key");
    RETURN_IF_ERROR(TakeAccount(*account, &units));
    if (stopping()) break;  // perhaps before the account's end
    done = *account;
    ++taken;
  }
  RETURN_IF_ERROR(FromKv(it->status()));
  const bool finished = !it->Valid();
  // Unsynced, but for the end: the log has it after what it tells of.
  RETURN_IF_ERROR(store_.EditMeta(
      [&](storage::v1::MailboxStoreMeta& edited) {
        finished ? edited.clear_step_accounts() : edited.set_step_accounts(done.value());
      },
      /*sync=*/finished));
  // Those that were made meanwhile were not counted.
  left_ -= std::min<uint64_t>(left_, taken);
  if (finished) telemetry::Info("step of the upgrade done", {{"schema_version", kSchemaVersion}});
  return !finished;
}

// Locks the account for one mailbox at a time.
absl::Status ArrivalStep::TakeAccount(AccountId account, int* units) {
  std::vector<MailboxId> mailboxes;
  const absl::Status listed = RepairAccount(store_, account, [&](Txn& txn) -> absl::Status {
    const std::string prefix = keys::Account(account);
    ASSIGN_OR_RETURN(const auto names, txn.ScanNames(prefix, kv::PrefixEnd(prefix)));
    for (const auto& [name, record] : names) {
      if (record.mailbox() != 0) mailboxes.emplace_back(record.mailbox());
    }
    return absl::OkStatus();
  });
  if (Stays(listed)) return listed;
  --*units;
  for (const MailboxId mailbox : mailboxes) {
    if (stopping()) return absl::OkStatus();
    const absl::Status filled = RepairAccount(store_, account, [mailbox](Txn& txn) { return FillIn(txn, mailbox); });
    if (Stays(filled)) return filled;
    --*units;
  }
  return absl::OkStatus();
}

}  // namespace mailmesh::mailbox_store
