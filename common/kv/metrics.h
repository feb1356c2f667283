// rocksdb_* (polled at scrape time) and mailmesh_kv_* (counted by the pipeline), labelled by database and column.
//
// Thread-safety: both classes may be used by any thread. They must outlive what they observe; the registry outlives them.
#ifndef MAILMESH_COMMON_KV_METRICS_H_
#define MAILMESH_COMMON_KV_METRICS_H_

#include <memory>
#include <string>
#include <string_view>

#include "common/telemetry/metrics.h"

namespace mailmesh::kv {

class Database;
class FreeSpaceGuard;

// What a CommitPipeline counts.
class PipelineMetrics {
 public:
  // `db` names the database: "mailbox_store", "spool", "directory".
  PipelineMetrics(telemetry::Registry& registry, std::string_view db);

  telemetry::Counter commits_ok;
  telemetry::Counter commits_failed;
  telemetry::Counter commits_refused;
  telemetry::Histogram commit_seconds;
  telemetry::Histogram group_commits;
  telemetry::Gauge queued;

 private:
  PipelineMetrics(telemetry::Registry& registry, const std::string& db, telemetry::CounterFamily commits);
};

// Registers a hook that reads RocksDB's properties and tickers when Prometheus asks.
class DatabaseMetrics {
 public:
  // `guard` may be null.
  DatabaseMetrics(telemetry::Registry& registry, std::string_view db, const Database& database, const FreeSpaceGuard* guard);
  ~DatabaseMetrics();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mailmesh::kv

#endif  // MAILMESH_COMMON_KV_METRICS_H_
