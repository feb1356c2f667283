// An open RocksDB database: options that we trust, column families by index, reads. Writes go through CommitPipeline.
//
// Flow: Database::Open -> Column c = db->column(kMine) -> Get / NewIterator -> ... -> iterators, snapshots and the pipeline
// are destroyed -> the database is.
// Thread-safety: all methods may be called by any thread; a Value, an Iterator and a Snapshot belong to one thread at a time.
// They block: never on an I/O or gRPC thread.
// Durability: what can be read was synced (RocksDB shows a write only after its sync), unless it was written unsynced.
#ifndef MAILMESH_COMMON_KV_DATABASE_H_
#define MAILMESH_COMMON_KV_DATABASE_H_

#include <rocksdb/slice.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/kv/batch.h"

namespace rocksdb {
class Cache;
class CompactionFilterFactory;
class DB;
class Env;
class Iterator;
class MergeOperator;
class Snapshot;
class Statistics;
class Status;
}  // namespace rocksdb

namespace mailmesh::kv {

class CompactionRest;
class FreeSpaceGuard;

struct ColumnOptions {
  std::string name;
  // Values of 1 KiB and more live in blob files, compressed, apart from their keys.
  bool blob_files = false;
  // May be null. Both must be safe to call from any thread.
  std::shared_ptr<rocksdb::MergeOperator> merge_operator{};
  std::shared_ptr<rocksdb::CompactionFilterFactory> compaction_filter{};
  // Files are compacted at least this often, so that a compaction filter comes by; 0: RocksDB decides.
  uint64_t periodic_compaction_seconds = 0;
};

struct DatabaseOptions {
  // Folder; made (0700) when it is missing.
  std::string path;
  size_t cache_bytes = 64 << 20;
  // Memory for writes that are not flushed, over all columns.
  size_t write_buffer_bytes = 64 << 20;
  // Background flushes and compactions together.
  uint64_t background_octets_per_second = 256 << 20;
  // Injected file system, for tests of faults; null: the real one. Must outlive the database.
  rocksdb::Env* env = nullptr;
  // Compactions leave half of its floor alone (sparing_files.h). Null: they take what there is. Must outlive the database.
  const FreeSpaceGuard* free_space = nullptr;
  // How long compactions wait after one that had to give way (sparing_files.h) or that failed (compaction_rest.h).
  std::chrono::milliseconds compaction_pause{60'000};
  // Called once, on any thread, after an error that only opening the database anew heals: say so and end the process.
  // Must not call the database.
  std::function<void(const absl::Status&)> on_fatal{};
};

class Database;

// A value that stays in RocksDB's memory; its view is valid until the next Get into it.
class Value {
 public:
  Value();
  ~Value();
  Value(Value&&) noexcept;
  Value& operator=(Value&&) noexcept;
  std::string_view view() const { return std::string_view(slice_->data(), slice_->size()); }

 private:
  friend class Database;
  std::unique_ptr<rocksdb::PinnableSlice> slice_;
};

// The database as it was when the snapshot was made. Must not outlive the database.
class Snapshot {
 public:
  explicit Snapshot(const Database& database);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  const rocksdb::Snapshot* raw() const { return snapshot_; }

 private:
  const Database& database_;
  const rocksdb::Snapshot* snapshot_;
};

// Walks over the keys of [lower, upper) in order. Positioned by Seek*; views are valid until it moves.
class Iterator {
 public:
  ~Iterator();
  void SeekToFirst();
  void SeekToLast();
  void Seek(std::string_view key);
  void Next();
  void Prev();
  // False at the end and after an error: look at status() then.
  bool Valid() const;
  std::string_view key() const;
  std::string_view value() const;
  absl::Status status() const;

 private:
  friend class Database;
  Iterator(const Database& database, std::string lower, std::string upper);
  const Database& database_;
  std::string lower_;
  std::string upper_;
  rocksdb::Slice lower_slice_;
  rocksdb::Slice upper_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class Database {
 public:
  // Columns that the database has and `columns` does not name are an error: a newer version wrote it.
  static absl::StatusOr<std::unique_ptr<Database>> Open(DatabaseOptions options, std::vector<ColumnOptions> columns);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // By index into the columns given to Open.
  Column column(size_t index) const { return columns_[index]; }
  const std::vector<std::string>& column_names() const { return names_; }
  const std::string& path() const { return options_.path; }

  // True when the key is there; `value` is then set.
  absl::StatusOr<bool> Get(Column column, std::string_view key, Value* value, const Snapshot* snapshot = nullptr) const;
  absl::StatusOr<bool> Get(Column column, std::string_view key, std::string* value, const Snapshot* snapshot = nullptr) const;

  // Keys in [lower, upper); an empty `upper`: to the end. `snapshot` must outlive the iterator. A `long_scan` reads ahead and
  // leaves the cache alone: for background work.
  std::unique_ptr<Iterator> NewIterator(Column column, std::string lower, std::string upper,
                                        const Snapshot* snapshot = nullptr, bool long_scan = false) const;

  // A copy of the database as it is now, in a folder that must not exist; hard links where possible. Flushes first.
  absl::Status Checkpoint(const std::string& folder) const;
  // Writes what is in memory to files.
  absl::Status Flush() const;
  // Rewrites a whole column; collects the garbage of its blob files. Slow: a job's work.
  absl::Status CompactWhole(Column column) const;

  // on_fatal was called.
  bool failed() const { return failed_.load(std::memory_order_acquire); }
  // Calls on_fatal, if it was not called yet.
  void Fail(const absl::Status& status);

  // Reads that failed: a damaged file, or one that cannot be read. The log says which, at most every ten seconds.
  uint64_t read_errors() const { return read_errors_.load(std::memory_order_relaxed); }
  // Columns whose compactions rest, or are tried again, because one has failed.
  size_t resting_columns() const;

  rocksdb::DB& raw() const { return *db_; }
  const std::shared_ptr<rocksdb::Statistics>& statistics() const { return statistics_; }
  const std::shared_ptr<rocksdb::Cache>& cache() const { return cache_; }

 private:
  friend class Iterator;
  class Listener;
  // Switches the compactions of a column off or on.
  void SetRest(uint32_t column, bool rests);
  // The status of a read as ours, counted and logged if it is an error.
  absl::Status FromRead(const rocksdb::Status& status, std::string_view what) const;
  explicit Database(DatabaseOptions options);

  DatabaseOptions options_;
  std::shared_ptr<rocksdb::Statistics> statistics_;  // shared with RocksDB's threads
  std::shared_ptr<rocksdb::Cache> cache_;            // likewise
  std::unique_ptr<rocksdb::Env> env_;  // that of `options_`, with the spare space left alone; null without a guard
  std::unique_ptr<CompactionRest> rest_;
  std::atomic<bool> failed_{false};
  mutable std::atomic<uint64_t> read_errors_{0};
  mutable std::atomic<int64_t> read_error_logged_{0};  // in Unix seconds
  rocksdb::DB* db_ = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  std::vector<Column> columns_;
  std::vector<std::string> names_;
};

// The least key that is greater than all keys with this prefix; empty if there is none (all octets 0xff).
std::string PrefixEnd(std::string_view prefix);

}  // namespace mailmesh::kv

#endif  // MAILMESH_COMMON_KV_DATABASE_H_
