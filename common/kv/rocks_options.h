// The options with which databases are opened. Internal to common/kv.
#ifndef MAILMESH_COMMON_KV_ROCKS_OPTIONS_H_
#define MAILMESH_COMMON_KV_ROCKS_OPTIONS_H_

#include <rocksdb/cache.h>
#include <rocksdb/options.h>

#include <memory>

#include "common/kv/database.h"

namespace mailmesh::kv {

rocksdb::DBOptions MakeDbOptions(const DatabaseOptions& options);
rocksdb::ColumnFamilyOptions MakeColumnOptions(const DatabaseOptions& options, const ColumnOptions& column,
                                               const std::shared_ptr<rocksdb::Cache>& cache);

}  // namespace mailmesh::kv

#endif  // MAILMESH_COMMON_KV_ROCKS_OPTIONS_H_
