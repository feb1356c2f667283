// The engine's parts, opened together: database, pipeline, accounts, uploads, leases, watchers.
//
// What the store does to mailboxes is in operations.h (changes), and in read_*.h (reads). This class finds accounts and
// commits what was staged.
// Thread-safe. Nearly everything blocks: never on an I/O or gRPC thread.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_STORE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_STORE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/kv/commit_pipeline.h"
#include "common/kv/database.h"
#include "common/kv/free_space_guard.h"
#include "mailmesh/storage/v1/mailbox.pb.h"
#include "services/mailbox_store/engine/account_table.h"
#include "services/mailbox_store/engine/change.h"
#include "services/mailbox_store/engine/columns.h"
#include "services/mailbox_store/engine/watch_hub.h"

namespace mailmesh::mailbox_store {

class FetchLeases;
class JobSlot;
class MaildropLeases;
class StoreMetrics;
class Txn;
class Uploads;

// Sizes beyond which content is uploaded and stored in pieces (type.v1.MessageBody).
inline constexpr size_t kChunkSize = 256 << 10;
inline constexpr size_t kMaxTraceFields = 64 << 10;

struct StoreOptions {
  std::string path;
  size_t cache_bytes = 64 << 20;
  size_t write_buffer_bytes = 64 << 20;
  uint64_t free_space_floor_bytes = 64 << 20;
  uint64_t ballast_bytes = 32 << 20;
  uint64_t max_message_bytes = 100 << 20;
  uint32_t max_mailboxes = 10'000;
  // New accounts get Drafts, Sent, Junk, Trash and Archive beside INBOX.
  bool special_mailboxes = true;
  // Limits of accounts that have none of their own; 0: no limit.
  uint64_t quota_octets = 0;
  uint64_t quota_messages = 0;
  absl::Duration request_memory = absl::Hours(7 * 24);
  absl::Duration upload_memory = absl::Hours(1);
  size_t head_cache_bytes = 256 << 20;
  // Empty: no backups may be made.
  std::string backup_folder;
  // What a backup on another file system copies, and a verification reads; 0: no bound.
  uint64_t backup_octets_per_second = 0;
  const base::Clock* clock = &base::Clock::Real();
  // For tests of faults; null: the real file system.
  rocksdb::Env* env = nullptr;
  // What cannot go on ends the process (kv::DatabaseOptions).
  std::function<void(const absl::Status&)> on_fatal{};
  // May be null.
  const kv::PipelineMetrics* pipeline_metrics = nullptr;
  const StoreMetrics* metrics = nullptr;
};

class Store {
 public:
  // FailedPrecondition when the database is of a newer schema.
  static absl::StatusOr<std::unique_ptr<Store>> Open(StoreOptions options);
  // Writes what was accepted.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // The account of the directory's id; one that is new springs into being, with INBOX.
  absl::StatusOr<AccountPtr> FindAccount(std::string_view account_id);
  // NotFound if there is none.
  absl::StatusOr<AccountPtr> FindKnownAccount(std::string_view account_id);
  absl::StatusOr<AccountPtr> FindAccountByNumber(AccountId number);

  struct CommitOptions {
    bool sync = true;
    bool grows = true;
    // Waits for room in the pipeline rather than fail.
    bool wait = false;
  };
  // Hands staged transactions, which share `batch` (it is taken), to the pipeline as one commit; `done` is called when it is durable, after
  // the watchers were told, or has failed. All their accounts are locked. If this fails, nothing has happened, and `done`
  // was not called. An empty batch makes a barrier: what the transactions have read is then durable.
  absl::Status Commit(const std::vector<Txn*>& txns, kv::Batch& batch, const CommitOptions& options,
                      absl::AnyInvocable<void(const absl::Status&)> done);

  const StoreOptions& options() const { return options_; }
  const base::Clock& clock() const { return *options_.clock; }
  int64_t NowSeconds() const { return absl::ToUnixSeconds(clock().Now()); }
  const std::string& incarnation() const { return incarnation_; }
  // Of the database now (upgrade.h). An operation that works under an account's lock sees what was there when it took it, or newer.
  uint32_t schema_version() const { return schema_version_.load(std::memory_order_acquire); }
  // From schema 3 on a mailbox's record tells when its last message came.
  bool KeepsArrivals() const { return schema_version() >= 3; }
  storage::v1::MailboxStoreMeta meta() const;
  // Changes the database's record of itself and hands it to the pipeline; OK: it is written, and durable if `sync`. What its schema
  // version lets operations do comes after it in the log.
  absl::Status EditMeta(absl::FunctionRef<void(storage::v1::MailboxStoreMeta&)> edit, bool sync);
  kv::Database& db() const { return *db_; }
  kv::Column column(ColumnId id) const { return db_->column(static_cast<size_t>(id)); }
  kv::CommitPipeline& pipeline() { return *pipeline_; }
  kv::FreeSpaceGuard& free_space() { return *free_space_; }
  WatchHub& hub() { return hub_; }
  Uploads& uploads() { return *uploads_; }
  MaildropLeases& maildrops() { return *maildrops_; }
  FetchLeases& fetch_leases() { return *fetch_leases_; }
  JobSlot& backup_slot() { return *backup_slot_; }
  JobSlot& verify_slot() { return *verify_slot_; }
  const StoreMetrics* metrics() const { return options_.metrics; }

 private:
  explicit Store(StoreOptions options);
  absl::Status OpenDatabase();
  absl::Status ReadMeta();
  // After a restore, and after an upgrade of the program.
  absl::Status BringUpToDate();
  absl::Status FindLastAccount();
  absl::StatusOr<AccountPtr> CreateAccount(std::string_view account_id);
  absl::StatusOr<AccountPtr> LoadAccount(std::string_view account_id);

  const StoreOptions options_;
  mutable absl::Mutex meta_mutex_;
  storage::v1::MailboxStoreMeta meta_ ABSL_GUARDED_BY(meta_mutex_);
  // Copies of what operations ask for; the first does not change once the store is open.
  std::string incarnation_;
  std::atomic<uint32_t> schema_version_{0};
  std::unique_ptr<kv::FreeSpaceGuard> free_space_;
  std::unique_ptr<kv::Database> db_;
  AccountTable accounts_;
  WatchHub hub_;
  std::unique_ptr<Uploads> uploads_;
  std::unique_ptr<MaildropLeases> maildrops_;
  std::unique_ptr<FetchLeases> fetch_leases_;
  absl::Mutex creating_;
  uint64_t last_account_ ABSL_GUARDED_BY(creating_) = 0;
  // Its completions use all that is above.
  std::unique_ptr<kv::CommitPipeline> pipeline_;
  // Last: their work uses all the others.
  std::unique_ptr<JobSlot> backup_slot_;
  std::unique_ptr<JobSlot> verify_slot_;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_STORE_H_
