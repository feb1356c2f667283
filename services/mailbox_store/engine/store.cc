#include "services/mailbox_store/engine/store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/kv/folder_copy.h"
#include "common/telemetry/log.h"
#include "services/mailbox_store/engine/backup.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/fetch_leases.h"
#include "services/mailbox_store/engine/job.h"
#include "services/mailbox_store/engine/keys.h"
#include "services/mailbox_store/engine/maildrop_leases.h"
#include "services/mailbox_store/engine/new_account.h"
#include "services/mailbox_store/engine/restore.h"
#include "services/mailbox_store/engine/txn.h"
#include "services/mailbox_store/engine/upgrade.h"
#include "services/mailbox_store/engine/uploads.h"

namespace mailmesh::mailbox_store {
namespace {

constexpr size_t kMaxAccountId = 128;
// What an account costs in memory when it is idle: for the size of the table.
constexpr size_t kAccountEstimate = 4096;
constexpr size_t kMinAccounts = 64;

}  // namespace

Store::Store(StoreOptions options)
    : options_(std::move(options)), accounts_(std::max(options_.head_cache_bytes / kAccountEstimate, kMinAccounts)) {}

Store::~Store() {
  backup_slot_.reset();
  verify_slot_.reset();
  if (pipeline_ != nullptr) pipeline_->Stop();
}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(StoreOptions options) {
  auto store = std::unique_ptr<Store>(new Store(std::move(options)));
  RETURN_IF_ERROR(CheckNoRestoreUnderWay(store->options_.path));
  RETURN_IF_ERROR(RemoveUnfinishedBackup(store->options_.path));
  RETURN_IF_ERROR(store->OpenDatabase());
  RETURN_IF_ERROR(store->ReadMeta());
  RETURN_IF_ERROR(store->BringUpToDate());
  RETURN_IF_ERROR(store->FindLastAccount());
  RETURN_IF_ERROR(store->uploads_->CollectLeftovers());
  RETURN_IF_ERROR(store->fetch_leases_->Load());
  return store;
}

absl::Status Store::OpenDatabase() {
  kv::FreeSpaceGuard::Options guard;
  guard.folder = options_.path;
  // Memtables must still fit when growth is refused.
  guard.floor_bytes = std::max<uint64_t>(options_.free_space_floor_bytes, options_.write_buffer_bytes / 2);
  guard.ballast_bytes = options_.ballast_bytes;
  free_space_ = std::make_unique<kv::FreeSpaceGuard>(std::move(guard));

  kv::DatabaseOptions database;
  // Beside the ballast, which is none of RocksDB's files.
  database.path = options_.path + "/db";
  database.cache_bytes = options_.cache_bytes;
  database.write_buffer_bytes = options_.write_buffer_bytes;
  database.env = options_.env;
  database.free_space = free_space_.get();
  database.on_fatal = options_.on_fatal;
  ASSIGN_OR_RETURN(db_, kv::Database::Open(std::move(database), MakeColumns(clock())));

  kv::CommitPipeline::Options pipeline;
  pipeline.free_space = free_space_.get();
  pipeline.metrics = options_.pipeline_metrics;
  pipeline_ = std::make_unique<kv::CommitPipeline>(*db_, pipeline);
  uploads_ = std::make_unique<Uploads>(*this);
  maildrops_ = std::make_unique<MaildropLeases>(clock());
  fetch_leases_ = std::make_unique<FetchLeases>(*this);
  backup_slot_ = std::make_unique<JobSlot>("another backup is being made");
  verify_slot_ = std::make_unique<JobSlot>("another verification runs");
  return absl::OkStatus();
}

absl::Status Store::ReadMeta() {
  absl::MutexLock lock(&meta_mutex_);
  std::string octets;
  ASSIGN_OR_RETURN(const bool found, db_->Get(column(ColumnId::kMeta), keys::Meta(), &octets));
  if (found) {
    return meta_.ParseFromString(octets) ? absl::OkStatus() : Damaged("meta");
  }
  meta_.set_schema_version(kSchemaVersion);
  meta_.set_incarnation(base::NewIdText(clock()));
  meta_.set_created_seconds(NowSeconds());
  kv::Commit commit;
  commit.batch.Put(column(ColumnId::kMeta), keys::Meta(), meta_.SerializeAsString());
  commit.grows = false;  // a few octets, and without them the process cannot even say that the disk is full
  return pipeline_->Write(std::move(commit));
}

absl::Status Store::BringUpToDate() {
  storage::v1::MailboxStoreMeta now = meta();
  RETURN_IF_ERROR(Upgrade(*this, &now));
  accounts_.Clear();
  const std::string mark = BackupMark(options_.path);
  const bool restored = base::FileExists(mark);
  if (restored) {
    telemetry::Warning("the database was restored from a backup: what is given in order jumps ahead", {{"path", options_.path}});
    RETURN_IF_ERROR(JumpAhead(*this, &now));
    telemetry::Info("the restored database is ready", {{"incarnation", now.incarnation()}});
  }
  incarnation_ = now.incarnation();
  schema_version_ = now.schema_version();
  {
    absl::MutexLock lock(&meta_mutex_);
    meta_ = std::move(now);
  }
  // The mark goes last: cut short, the jump is made once more.
  return restored ? kv::RemoveAll(mark) : absl::OkStatus();
}

storage::v1::MailboxStoreMeta Store::meta() const {
  absl::MutexLock lock(&meta_mutex_);
  return meta_;
}

absl::Status Store::EditMeta(absl::FunctionRef<void(storage::v1::MailboxStoreMeta&)> edit, bool sync) {
  absl::Notification written;
  absl::Status result;
  absl::MutexLock lock(&meta_mutex_);
  edit(meta_);
  kv::Commit commit;
  commit.batch.Put(column(ColumnId::kMeta), keys::Meta(), meta_.SerializeAsString());
  commit.sync = sync;
  commit.grows = false;
  commit.done = [&](const absl::Status& status) {
    result = status;
    written.Notify();
  };
  // A failure is final to the whole database: nothing is to be taken back.
  RETURN_IF_ERROR(FromKv(pipeline_->SubmitWaiting(std::move(commit))));
  // Not before: what operations write by the new version must lie behind this in the log.
  schema_version_.store(meta_.schema_version(), std::memory_order_release);
  written.WaitForNotification();
  return FromKv(result);
}

absl::Status Store::FindLastAccount() {
  // Records of accounts are never removed: the last one has the greatest number that was given.
  auto it = db_->NewIterator(column(ColumnId::kAccounts), "", "");
  it->SeekToLast();
  absl::MutexLock lock(&creating_);
  if (it->Valid()) {
    std::string_view key = it->key();
    last_account_ = keys::TakeAccount(key).value_or(AccountId()).value();
  }
  // A restored backup does not know the accounts that were made after it.
  last_account_ = std::max(last_account_, meta().accounts_taken());
  return it->status();
}

absl::StatusOr<AccountPtr> Store::LoadAccount(std::string_view account_id) {
  std::string octets;
  absl::StatusOr<bool> found = db_->Get(column(ColumnId::kMeta), keys::AccountById(account_id), &octets);
  if (!found.ok()) return FromKv(std::move(found).status());
  if (!*found) return AccountPtr();
  std::string_view view = octets;
  const std::optional<AccountId> number = keys::TakeAccount(view);
  if (!number) return Damaged("account's number");
  return accounts_.Insert(std::make_shared<Account>(*number, std::string(account_id)));
}

absl::StatusOr<AccountPtr> Store::FindAccount(std::string_view account_id) {
  if (account_id.empty() || account_id.size() > kMaxAccountId) return InvalidRequest("account_id");
  if (AccountPtr known = accounts_.Find(account_id)) return known;
  ASSIGN_OR_RETURN(AccountPtr stored, LoadAccount(account_id));
  if (stored != nullptr) return stored;
  return CreateAccount(account_id);
}

absl::StatusOr<AccountPtr> Store::FindKnownAccount(std::string_view account_id) {
  if (account_id.empty() || account_id.size() > kMaxAccountId) return InvalidRequest("account_id");
  if (AccountPtr known = accounts_.Find(account_id)) return known;
  ASSIGN_OR_RETURN(AccountPtr stored, LoadAccount(account_id));
  if (stored == nullptr) return AccountNotFound(account_id);
  return stored;
}

absl::StatusOr<AccountPtr> Store::FindAccountByNumber(AccountId number) {
  if (AccountPtr known = accounts_.FindByNumber(number)) return known;
  std::string octets;
  absl::StatusOr<bool> found = db_->Get(column(ColumnId::kAccounts), keys::Account(number), &octets);
  if (!found.ok()) return FromKv(std::move(found).status());
  storage::v1::AccountRecord record;
  if (!*found) return AccountNotFound(absl::StrCat("#", number.value()));
  if (!record.ParseFromString(octets)) return Damaged("account");
  return accounts_.Insert(std::make_shared<Account>(number, record.account_id()));
}

// Waits for its own sync: once in an account's life.
absl::StatusOr<AccountPtr> Store::CreateAccount(std::string_view account_id) {
  absl::MutexLock lock(&creating_);
  ASSIGN_OR_RETURN(AccountPtr stored, LoadAccount(account_id));
  if (stored != nullptr) return stored;
  const AccountId number(last_account_ + 1);
  auto account = std::make_shared<Account>(number, std::string(account_id));
  kv::Commit commit;
  WriteNewAccount(*this, number, account_id, commit.batch);
  RETURN_IF_ERROR(FromKv(pipeline_->Write(std::move(commit))));
  last_account_ = number.value();
  return accounts_.Insert(std::move(account));
}

absl::Status Store::Commit(const std::vector<Txn*>& txns, kv::Batch& batch, const CommitOptions& options,
                           absl::AnyInvocable<void(const absl::Status&)> done) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  struct Part {
    AccountPtr account;
    uint64_t ticket;
  };
  struct InFlight {
    std::vector<Part> parts;
    std::vector<MailboxChange> changes;
    absl::AnyInvocable<void(const absl::Status&)> done;
  };
  kv::Commit commit;
  auto flight = std::make_shared<InFlight>();  // shared with the completion, which may come before this returns
  for (Txn* txn : txns) {
    txn->Finish();
    commit.lineages.push_back(txn->head_.lineage);
    flight->parts.push_back(Part{txn->account(), txn->account()->NextTicket()});
  }
  flight->done = std::move(done);
  // The head must be new before the completion can say that the ticket is done; the changes must be there before the
  // watchers can be told. Both happen here, under the accounts' locks, and the completion waits for them.
  auto staged = std::make_shared<absl::Notification>();
  commit.batch = std::move(batch);
  commit.sync = options.sync;
  commit.grows = options.grows;
  commit.done = [this, flight, staged](const absl::Status& status) {
    staged->WaitForNotification();
    for (const Part& part : flight->parts) part.account->TicketDone(part.ticket);
    if (status.ok()) hub_.Publish(std::move(flight->changes));
    if (flight->done) flight->done(FromKv(status));
  };
  const absl::Status submitted =
      options.wait ? pipeline_->SubmitWaiting(std::move(commit)) : pipeline_->Submit(std::move(commit));
  if (!submitted.ok()) {
    // The tickets stay unused: a later one that is done covers them.
    return FromKv(submitted);
  }
  for (size_t i = 0; i < txns.size(); ++i) {
    std::vector<MailboxChange> changes = txns[i]->Apply(flight->parts[i].ticket);
    std::move(changes.begin(), changes.end(), std::back_inserter(flight->changes));
  }
  staged->Notify();
  return absl::OkStatus();
}

}  // namespace mailmesh::mailbox_store
