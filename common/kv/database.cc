#include "common/kv/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/utilities/checkpoint.h>

#include <string>
#include <unordered_map>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/kv/compaction_rest.h"
#include "common/kv/rocks_options.h"
#include "common/kv/rocks_slice.h"
#include "common/kv/sparing_files.h"
#include "common/kv/status.h"
#include "common/telemetry/log.h"

namespace mailmesh::kv {
namespace {
constexpr int64_t kReadErrorLogSeconds = 10;
}

// Tells the errors that RocksDB gives up on from those that stop nothing or that it heals by itself (no space).
class Database::Listener : public rocksdb::EventListener {
 public:
  explicit Listener(Database* database) : database_(database) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override {
    if (error == nullptr || error->ok()) return;
    // It has changed nothing, and is tried again. RocksDB would call a damaged table in it "unrecoverable" and stop all writes for good; a
    // new process would meet the same table, and so on for ever.
    if (reason == rocksdb::BackgroundErrorReason::kCompaction) {
      *error = rocksdb::Status::OK();
      return;
    }
    // An I/O error on the log is "fatal" in RocksDB's words. Softer ones stop nothing.
    if (error->IsNoSpace() || error->severity() < rocksdb::Status::Severity::kHardError) return;
    database_->Fail(FromRocks(*error, "background error"));
  }

  // Not one that SparingFiles refused (it waits there), or that the end of the process cut short.
  void OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo& info) override {
    if (!info.status.IsCorruption() && (!info.status.IsIOError() || info.status.IsNoSpace())) return;
    telemetry::Error("a compaction has failed: those of its column rest", {{"path", database_->options_.path},
                                                                           {"column", info.cf_name},
                                                                           {"error", info.status.ToString()}});
    database_->rest_->Failed(info.cf_id);
  }

 private:
  Database* const database_;
};

Database::Database(DatabaseOptions options) : options_(std::move(options)) {}

Value::Value() : slice_(std::make_unique<rocksdb::PinnableSlice>()) {}
Value::~Value() = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(Value&&) noexcept = default;

Snapshot::Snapshot(const Database& database) : database_(database), snapshot_(database.raw().GetSnapshot()) {}
Snapshot::~Snapshot() { database_.raw().ReleaseSnapshot(snapshot_); }

Iterator::Iterator(const Database& database, std::string lower, std::string upper)
    : database_(database), lower_(std::move(lower)), upper_(std::move(upper)) {}
Iterator::~Iterator() = default;
void Iterator::SeekToFirst() { iterator_->SeekToFirst(); }
void Iterator::SeekToLast() { iterator_->SeekToLast(); }
void Iterator::Seek(std::string_view key) { iterator_->Seek(ToSlice(key)); }
void Iterator::Next() { iterator_->Next(); }
void Iterator::Prev() { iterator_->Prev(); }
bool Iterator::Valid() const { return iterator_->Valid(); }
std::string_view Iterator::key() const { return ToView(iterator_->key()); }
std::string_view Iterator::value() const { return ToView(iterator_->value()); }
absl::Status Iterator::status() const { return database_.FromRead(iterator_->status(), "scan"); }

absl::StatusOr<std::unique_ptr<Database>> Database::Open(DatabaseOptions options, std::vector<ColumnOptions> columns) {
  RETURN_IF_ERROR(base::MakeDirectories(options.path));
  auto database = std::unique_ptr<Database>(new Database(std::move(options)));
  const DatabaseOptions& o = database->options_;
  database->cache_ = rocksdb::NewLRUCache(o.cache_bytes);
  database->rest_ = std::make_unique<CompactionRest>(o.compaction_pause);
  rocksdb::DBOptions db_options = MakeDbOptions(o);
  db_options.listeners.push_back(std::make_shared<Listener>(database.get()));
  database->statistics_ = db_options.statistics;
  if (o.free_space != nullptr) {
    auto files = std::make_shared<SparingFiles>(db_options.env->GetFileSystem(), *o.free_space, o.compaction_pause);
    database->env_ = rocksdb::NewCompositeEnv(std::move(files));
    db_options.env = database->env_.get();
  }

  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  descriptors.emplace_back(rocksdb::kDefaultColumnFamilyName, MakeColumnOptions(o, ColumnOptions{}, database->cache_));
  for (const ColumnOptions& column : columns) {
    descriptors.emplace_back(column.name, MakeColumnOptions(o, column, database->cache_));
    database->names_.push_back(column.name);
  }
  const rocksdb::Status status =
      rocksdb::DB::Open(db_options, o.path, descriptors, &database->handles_, &database->db_);
  if (!status.ok()) return FromRocks(status, "opening the database " + o.path);
  for (size_t i = 1; i < database->handles_.size(); ++i) database->columns_.push_back(Column{database->handles_[i]});
  database->rest_->Start([raw = database.get()](uint32_t column, bool rests) { raw->SetRest(column, rests); });
  return database;
}

Database::~Database() {
  if (db_ == nullptr) return;
  rest_->Stop();
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  db_->Close().PermitUncheckedError();
  delete db_;
}

void Database::Fail(const absl::Status& status) {
  if (failed_.exchange(true, std::memory_order_acq_rel)) return;
  if (options_.on_fatal) options_.on_fatal(status);
}

size_t Database::resting_columns() const { return rest_->columns(); }

void Database::SetRest(uint32_t column, bool rests) {
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    if (handle->GetID() != column) continue;
    std::unordered_map<std::string, std::string> options{{"disable_auto_compactions", rests ? "true" : "false"}};
    if (rests) {
      // Nor does a new try stop the writes because of what has piled up meanwhile. That holds until the database is opened anew.
      options["level0_slowdown_writes_trigger"] = options["level0_stop_writes_trigger"] = std::to_string(1 << 30);
      options["soft_pending_compaction_bytes_limit"] = options["hard_pending_compaction_bytes_limit"] = "0";
    }
    const rocksdb::Status status = db_->SetOptions(handle, options);
    if (!status.ok()) telemetry::Error("compactions cannot be switched", {{"path", options_.path}, {"error", status.ToString()}});
  }
}

absl::Status Database::FromRead(const rocksdb::Status& status, std::string_view what) const {
  if (status.ok()) return absl::OkStatus();
  absl::Status error = FromRocks(status, what);
  read_errors_.fetch_add(1, std::memory_order_relaxed);
  // The client is told to come again, and does: one line for all that it meets.
  const int64_t now = absl::ToUnixSeconds(absl::Now());
  int64_t last = read_error_logged_.load(std::memory_order_relaxed);
  if (now - last >= kReadErrorLogSeconds && read_error_logged_.compare_exchange_strong(last, now)) {
    telemetry::Error("the database cannot be read in places", {{"path", options_.path}, {"error", base::Message(error)}});
  }
  return error;
}

absl::StatusOr<bool> Database::Get(Column column, std::string_view key, Value* value, const Snapshot* snapshot) const {
  rocksdb::ReadOptions read;
  if (snapshot != nullptr) read.snapshot = snapshot->raw();
  value->slice_->Reset();
  const rocksdb::Status status = db_->Get(read, column.handle, ToSlice(key), value->slice_.get());
  if (status.IsNotFound()) return false;
  if (!status.ok()) return FromRead(status, "read");
  return true;
}

absl::StatusOr<bool> Database::Get(Column column, std::string_view key, std::string* value, const Snapshot* snapshot) const {
  rocksdb::ReadOptions read;
  if (snapshot != nullptr) read.snapshot = snapshot->raw();
  const rocksdb::Status status = db_->Get(read, column.handle, ToSlice(key), value);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return FromRead(status, "read");
  return true;
}

std::unique_ptr<Iterator> Database::NewIterator(Column column, std::string lower, std::string upper, const Snapshot* snapshot,
                                                bool long_scan) const {
  auto result = std::unique_ptr<Iterator>(new Iterator(*this, std::move(lower), std::move(upper)));
  rocksdb::ReadOptions read;
  if (snapshot != nullptr) read.snapshot = snapshot->raw();
  result->lower_slice_ = result->lower_;
  read.iterate_lower_bound = &result->lower_slice_;
  if (!result->upper_.empty()) {
    result->upper_slice_ = result->upper_;
    read.iterate_upper_bound = &result->upper_slice_;
  }
  read.async_io = false;  // regressions up to 8.x
  if (long_scan) {
    read.fill_cache = false;
    read.readahead_size = 2 << 20;
  }
  result->iterator_.reset(db_->NewIterator(read, column.handle));
  return result;
}

absl::Status Database::Checkpoint(const std::string& folder) const {
  rocksdb::Checkpoint* raw = nullptr;
  RETURN_IF_ERROR(FromRocks(rocksdb::Checkpoint::Create(db_, &raw), "checkpoint"));
  std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  // log_size_for_flush = 0: always flush, for a hard-linked log is not synced whole (fixed in 9.4).
  return FromRocks(checkpoint->CreateCheckpoint(folder, 0), "checkpoint");
}

absl::Status Database::Flush() const { return FromRocks(db_->Flush(rocksdb::FlushOptions(), handles_), "flush"); }

absl::Status Database::CompactWhole(Column column) const {
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  options.exclusive_manual_compaction = false;
  return FromRocks(db_->CompactRange(options, column.handle, nullptr, nullptr), "compaction");
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<uint8_t>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  return end;
}

}  // namespace mailmesh::kv
