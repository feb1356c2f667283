#include "common/kv/metrics.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/statistics.h>

#include <array>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/kv/database.h"
#include "common/kv/free_space_guard.h"

namespace mailmesh::kv {
namespace {

const std::vector<double>& GroupBuckets() {
  static const std::vector<double> buckets{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
  return buckets;
}

// Of the whole database: RocksDB's property, our name, help.
struct Property {
  const char* rocks;
  const char* name;
  const char* help;
};
constexpr Property kDatabaseProperties[] = {
    {"rocksdb.is-write-stopped", "rocksdb_is_write_stopped", "Whether writes are stopped."},
    {"rocksdb.actual-delayed-write-rate", "rocksdb_actual_delayed_write_rate_bytes", "Delayed write rate; 0: no delay."},
    {"rocksdb.background-errors", "rocksdb_background_errors", "Background errors since the start."},
    {"rocksdb.num-running-flushes", "rocksdb_num_running_flushes", "Flushes under way."},
    {"rocksdb.num-running-compactions", "rocksdb_num_running_compactions", "Compactions under way."},
    {"rocksdb.num-snapshots", "rocksdb_num_snapshots", "Snapshots held."},
    {"rocksdb.oldest-snapshot-time", "rocksdb_oldest_snapshot_timestamp_seconds", "When the oldest snapshot was made; 0: none."},
};
constexpr Property kColumnProperties[] = {
    {"rocksdb.cur-size-all-mem-tables", "rocksdb_cur_size_all_mem_tables_bytes", "Memtables of a column."},
    {"rocksdb.estimate-pending-compaction-bytes", "rocksdb_estimate_pending_compaction_bytes", "Compaction still to be done."},
    {"rocksdb.total-sst-files-size", "rocksdb_total_sst_files_size_bytes", "Table files of a column."},
    {"rocksdb.estimate-live-data-size", "rocksdb_estimate_live_data_size_bytes", "Live data of a column."},
    {"rocksdb.num-blob-files", "rocksdb_num_blob_files", "Blob files of a column."},
    {"rocksdb.live-blob-file-size", "rocksdb_live_blob_file_size_bytes", "Live blob files of a column."},
    {"rocksdb.live-blob-file-garbage-size", "rocksdb_live_blob_file_garbage_size_bytes", "Garbage in live blob files."},
};

struct Ticker {
  uint32_t rocks;
  const char* name;
  const char* help;
  double unit;
};
constexpr double kMicros = 1e-6;
const Ticker kTickers[] = {
    {rocksdb::STALL_MICROS, "rocksdb_stall_seconds_total", "Time that writers were stalled.", kMicros},
    {rocksdb::WAL_FILE_SYNCED, "rocksdb_wal_syncs_total", "Syncs of the log.", 1},
    {rocksdb::WAL_FILE_BYTES, "rocksdb_wal_bytes_total", "Octets written to the log.", 1},
    {rocksdb::BLOCK_CACHE_DATA_HIT, "rocksdb_block_cache_data_hits_total", "Data blocks found in the cache.", 1},
    {rocksdb::BLOCK_CACHE_DATA_MISS, "rocksdb_block_cache_data_misses_total", "Data blocks read from files.", 1},
    {rocksdb::BLOCK_CACHE_INDEX_HIT, "rocksdb_block_cache_index_hits_total", "Index blocks found in the cache.", 1},
    {rocksdb::BLOCK_CACHE_INDEX_MISS, "rocksdb_block_cache_index_misses_total", "Index blocks read from files.", 1},
    {rocksdb::BLOCK_CACHE_FILTER_HIT, "rocksdb_block_cache_filter_hits_total", "Filter blocks found in the cache.", 1},
    {rocksdb::BLOCK_CACHE_FILTER_MISS, "rocksdb_block_cache_filter_misses_total", "Filter blocks read from files.", 1},
    {rocksdb::BLOOM_FILTER_USEFUL, "rocksdb_bloom_useful_total", "Reads that a bloom filter saved.", 1},
    {rocksdb::COMPACT_READ_BYTES, "rocksdb_compaction_read_bytes_total", "Octets read by compactions.", 1},
    {rocksdb::COMPACT_WRITE_BYTES, "rocksdb_compaction_written_bytes_total", "Octets written by compactions.", 1},
    {rocksdb::FLUSH_WRITE_BYTES, "rocksdb_flush_written_bytes_total", "Octets written by flushes.", 1},
    {rocksdb::BLOB_DB_BLOB_FILE_BYTES_WRITTEN, "rocksdb_blob_written_bytes_total", "Octets written to blob files.", 1},
    {rocksdb::BLOB_DB_BLOB_FILE_BYTES_READ, "rocksdb_blob_read_bytes_total", "Octets read from blob files.", 1},
};

struct TimeHistogram {
  uint32_t rocks;
  const char* name;
  const char* help;
};
const TimeHistogram kTimes[] = {
    {rocksdb::WAL_FILE_SYNC_MICROS, "rocksdb_wal_sync_seconds", "Time of a sync of the log, by quantile since the start."},
    {rocksdb::DB_GET, "rocksdb_get_seconds", "Time of a read, by quantile since the start."},
    {rocksdb::DB_WRITE, "rocksdb_write_seconds", "Time of a write, by quantile since the start."},
    {rocksdb::DB_SEEK, "rocksdb_seek_seconds", "Time of a seek, by quantile since the start."},
};
constexpr int kLevels = 7;

}  // namespace

PipelineMetrics::PipelineMetrics(telemetry::Registry& registry, std::string_view db)
    : PipelineMetrics(registry, std::string(db),
                      registry.AddCounterFamily("mailmesh_kv_commits_total", "Commits by how they ended.",
                                                {{"db", {std::string(db)}}, {"result", {"ok", "failed", "refused"}}})) {}

PipelineMetrics::PipelineMetrics(telemetry::Registry& registry, const std::string& db, telemetry::CounterFamily commits)
    : commits_ok(commits.At({0, 0})),
      commits_failed(commits.At({0, 1})),
      commits_refused(commits.At({0, 2})),
      commit_seconds(registry
                         .AddHistogramFamily("mailmesh_kv_commit_seconds", "From submission to the end of a commit.",
                                             {{"db", {db}}}, telemetry::LatencyBuckets())
                         .At({0})),
      group_commits(registry
                        .AddHistogramFamily("mailmesh_kv_group_commits", "Commits that shared one write and one sync.",
                                            {{"db", {db}}}, GroupBuckets())
                        .At({0})),
      queued(registry.AddGaugeFamily("mailmesh_kv_queued_commits", "Commits that wait to be written.", {{"db", {db}}})
                 .At({0})) {}

class DatabaseMetrics::Impl {
 public:
  Impl(telemetry::Registry& registry, std::string_view db, const Database& database, const FreeSpaceGuard* guard)
      : database_(database), guard_(guard), db_(db) {
    const telemetry::Label db_label{"db", {db_}};
    const telemetry::Label cf_label{"cf", database.column_names()};
    for (const Property& p : kDatabaseProperties) database_gauges_.push_back(registry.AddGaugeFamily(p.name, p.help, {db_label}));
    for (const Property& p : kColumnProperties) {
      column_gauges_.push_back(registry.AddGaugeFamily(p.name, p.help, {db_label, cf_label}));
    }
    for (const Ticker& t : kTickers) counters_.push_back(registry.AddCounterFamily(t.name, t.help, {db_label}));
    for (const TimeHistogram& t : kTimes) {
      times_.push_back(registry.AddGaugeFamily(t.name, t.help, {db_label, {"quantile", {"0.5", "0.95", "0.99"}}}));
    }
    files_.push_back(registry.AddGaugeFamily("rocksdb_num_files_at_level", "Table files of a level.",
                                             {db_label, cf_label, {"level", {"0", "1", "2", "3", "4", "5", "6"}}}));
    cache_.push_back(registry.AddGaugeFamily("rocksdb_block_cache_usage_bytes", "Memory of the block cache.", {db_label}));
    read_errors_.push_back(registry.AddCounterFamily("mailmesh_kv_read_errors_total",
                                                     "Reads that a damaged or unreadable file made fail.", {db_label}));
    resting_.push_back(registry.AddGaugeFamily("mailmesh_kv_resting_columns",
                                               "Columns whose compactions rest, or are tried again, because one has failed.", {db_label}));
    free_.push_back(registry.AddGaugeFamily("mailmesh_kv_free_bytes", "Free space of the database's file system.", {db_label}));
    low_.push_back(registry.AddGaugeFamily("mailmesh_kv_disk_full",
                                           "Whether growth is refused because free space is below the floor.", {db_label}));
    hook_ = registry.OnScrape([this] { Scrape(); });
  }

 private:
  void Scrape() {
    rocksdb::DB& db = database_.raw();
    for (size_t i = 0; i < database_gauges_.size(); ++i) {
      uint64_t value = 0;
      if (db.GetIntProperty(kDatabaseProperties[i].rocks, &value)) database_gauges_[i].At({0}).Set(static_cast<double>(value));
    }
    for (size_t c = 0; c < database_.column_names().size(); ++c) ScrapeColumn(db, c);
    for (size_t i = 0; i < counters_.size(); ++i) {
      const double total = static_cast<double>(database_.statistics()->getTickerCount(kTickers[i].rocks)) * kTickers[i].unit;
      counters_[i].At({0}).RaiseTo(total);
    }
    read_errors_[0].At({0}).RaiseTo(static_cast<double>(database_.read_errors()));
    resting_[0].At({0}).Set(static_cast<double>(database_.resting_columns()));
    for (size_t i = 0; i < times_.size(); ++i) {
      rocksdb::HistogramData data;
      database_.statistics()->histogramData(kTimes[i].rocks, &data);
      times_[i].At({0, 0}).Set(data.median * kMicros);
      times_[i].At({0, 1}).Set(data.percentile95 * kMicros);
      times_[i].At({0, 2}).Set(data.percentile99 * kMicros);
    }
    cache_[0].At({0}).Set(static_cast<double>(database_.cache()->GetUsage()));
    if (guard_ != nullptr) {
      free_[0].At({0}).Set(static_cast<double>(guard_->free_bytes()));
      low_[0].At({0}).Set(guard_->low() ? 1 : 0);
    }
  }

  void ScrapeColumn(rocksdb::DB& db, size_t c) {
    rocksdb::ColumnFamilyHandle* handle = database_.column(c).handle;
    for (size_t i = 0; i < column_gauges_.size(); ++i) {
      uint64_t value = 0;
      if (db.GetIntProperty(handle, kColumnProperties[i].rocks, &value)) {
        column_gauges_[i].At({0, c}).Set(static_cast<double>(value));
      }
    }
    for (size_t level = 0; level < kLevels; ++level) {
      std::string text;
      double value = 0;
      if (db.GetProperty(handle, absl::StrCat("rocksdb.num-files-at-level", level), &text)) {
        uint64_t files = 0;
        if (absl::SimpleAtoi(text, &files)) value = static_cast<double>(files);
      }
      files_[0].At({0, c, level}).Set(value);
    }
  }

  const Database& database_;
  const FreeSpaceGuard* const guard_;
  const std::string db_;
  std::vector<telemetry::GaugeFamily> database_gauges_;
  std::vector<telemetry::GaugeFamily> column_gauges_;
  std::vector<telemetry::CounterFamily> counters_;
  std::vector<telemetry::CounterFamily> read_errors_;
  std::vector<telemetry::GaugeFamily> resting_;
  std::vector<telemetry::GaugeFamily> times_;
  std::vector<telemetry::GaugeFamily> files_;
  std::vector<telemetry::GaugeFamily> cache_;
  std::vector<telemetry::GaugeFamily> free_;
  std::vector<telemetry::GaugeFamily> low_;
  telemetry::ScrapeHook hook_;  // last: the first to go
};

DatabaseMetrics::DatabaseMetrics(telemetry::Registry& registry, std::string_view db, const Database& database,
                                 const FreeSpaceGuard* guard)
    : impl_(std::make_unique<Impl>(registry, db, database, guard)) {}
DatabaseMetrics::~DatabaseMetrics() = default;

}  // namespace mailmesh::kv
