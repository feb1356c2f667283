// The column families of the store's database. docs/formats/mailbox_store.md describes what lies in each.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_COLUMNS_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_COLUMNS_H_

#include <cstddef>
#include <vector>

#include "common/base/clock.h"
#include "common/kv/database.h"

namespace mailmesh::mailbox_store {

// The order is that of the database's columns; names are on disk, numbers are not.
enum class ColumnId : size_t {
  kMeta,
  kAccounts,
  kMailboxes,
  kNames,
  kMessages,
  kEntries,
  kSummaries,
  kChanges,
  kBlobs,
  kReferences,
  kRequests,
  kGarbage,
  kJobs,
  kSeenIds,
  kCount,
};
inline constexpr size_t kColumnCount = static_cast<size_t>(ColumnId::kCount);

// `clock` tells the requests' compaction filter what is too old; it must outlive the database.
std::vector<kv::ColumnOptions> MakeColumns(const base::Clock& clock);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_COLUMNS_H_
