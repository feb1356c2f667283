#include "common/kv/rocks_options.h"

#include <rocksdb/compaction_filter.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/statistics.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>

namespace mailmesh::kv {
namespace {

// What RocksDB 7.8.3 does wrong with other values is fixed only in the version named.
void AvoidKnownBugs(rocksdb::DBOptions& db) {
  db.recycle_log_file_num = 0;                        // stale log records after 0 -> n (9.2), corruption with compression (9.3)
  db.wal_compression = rocksdb::kNoCompression;       // open fails (8.0)
  db.manual_wal_flush = false;
  db.track_and_verify_wals_in_manifest = false;       // false "Missing WAL" prevents opening (7.10)
  db.atomic_flush = false;                            // 8.1, 8.7; our log makes it needless
  db.two_write_queues = false;
  db.unordered_write = false;
}

}  // namespace

rocksdb::DBOptions MakeDbOptions(const DatabaseOptions& options) {
  rocksdb::DBOptions db;
  AvoidKnownBugs(db);
  db.env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.paranoid_checks = true;
  db.max_background_jobs = 2;
  db.max_open_files = 1024;
  // One writer: nothing to do concurrently, and less work for each insert.
  db.allow_concurrent_memtable_write = false;
  db.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(options.write_buffer_bytes);
  // A column that is seldom written must not hold all logs.
  db.max_total_wal_size = 4 * options.write_buffer_bytes;
  db.bytes_per_sync = 1 << 20;
  db.rate_limiter.reset(rocksdb::NewGenericRateLimiter(static_cast<int64_t>(options.background_octets_per_second)));
  db.statistics = rocksdb::CreateDBStatistics();
  db.statistics->set_stats_level(rocksdb::StatsLevel::kExceptDetailedTimers);
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.keep_log_file_num = 4;
  db.max_log_file_size = 4 << 20;
  db.avoid_unnecessary_blocking_io = true;
  return db;
}

rocksdb::ColumnFamilyOptions MakeColumnOptions(const DatabaseOptions& options, const ColumnOptions& column,
                                               const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions result;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;  // CRC32C has no SSE 4.2 in Debian's build
  table.block_size = 16 << 10;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  result.paranoid_file_checks = true;
  result.compression = rocksdb::kLZ4Compression;
  result.bottommost_compression = rocksdb::kZSTD;
  result.level_compaction_dynamic_level_bytes = true;
  result.write_buffer_size = std::max<size_t>(options.write_buffer_bytes / 2, 4 << 20);
  result.max_write_buffer_number = 2;
  result.merge_operator = column.merge_operator;
  result.compaction_filter_factory = column.compaction_filter;
  if (column.periodic_compaction_seconds > 0) result.periodic_compaction_seconds = column.periodic_compaction_seconds;
  if (column.blob_files) {
    result.enable_blob_files = true;
    result.min_blob_size = 1024;
    result.blob_file_size = 64 << 20;
    result.blob_compression_type = rocksdb::kZSTD;
    result.enable_blob_garbage_collection = true;
    result.blob_garbage_collection_age_cutoff = 0.5;
    result.blob_garbage_collection_force_threshold = 0.5;
    // A compaction writes again all contents that its keys refer to and that lie in old files: of few keys, so that it needs
    // room for megabytes and not for all.
    result.target_file_size_base = 2 << 20;
    result.max_compaction_bytes = 8 << 20;
  }
  return result;
}

}  // namespace mailmesh::kv
