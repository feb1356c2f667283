// The directory's database: typed reads, and writes that are durable when they return.
//
// Keys: docs/formats/directory.md. Reads see what is durable. All functions block: on a worker pool only. Thread-safe;
// whoever changes something reads and writes under a lock of his own (editor.h).
#ifndef MAILMESH_SERVICES_DIRECTORY_STORE_H_
#define MAILMESH_SERVICES_DIRECTORY_STORE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/kv/batch.h"
#include "common/kv/commit_pipeline.h"
#include "common/kv/database.h"
#include "mailmesh/storage/v1/directory.pb.h"

namespace mailmesh::directory {

inline constexpr uint32_t kSchemaVersion = 1;

// Columns, by their index. Only ever appended to.
enum class Table : size_t {
  kMeta,         // "meta" -> DirectoryMeta
  kDomains,      // domain -> DirectoryDomainRecord
  kRoutes,       // domain -> DirectoryRouteRecord
  kAccounts,     // account id -> DirectoryAccountRecord
  kAddresses,    // domain NUL local -> account id
  kAliases,      // domain NUL local -> DirectoryAliasRecord
  kCredentials,  // account id -> DirectoryCredentialRecord
  kShards,       // name -> DirectoryShardRecord
  kRequests,     // request id -> DirectoryRequestRecord
};
inline constexpr std::string_view kMetaKey = "meta";
std::vector<kv::ColumnOptions> DirectoryColumns();

// 8 octets, big-endian; and the text that travels: 16 hexadecimal digits.
std::string AccountKey(AccountId id);
std::string AccountText(AccountId id);
std::optional<AccountId> ParseAccountText(std::string_view text);
std::optional<AccountId> ParseAccountKey(std::string_view key);

class Store {
 public:
  // Writes the meta record into a new database; FailedPrecondition when a newer program wrote it. Both must outlive the
  // store.
  static absl::StatusOr<std::unique_ptr<Store>> Open(kv::Database& database, kv::CommitPipeline& pipeline);

  // Nothing when there is no such key; DataLoss when the record cannot be read.
  template <class Record>
  absl::StatusOr<std::optional<Record>> Find(Table table, std::string_view key) const {
    Record record;
    absl::StatusOr<bool> found = Read(table, key, &record);
    if (!found.ok()) return found.status();
    if (!*found) return std::optional<Record>();
    return std::optional<Record>(std::move(record));
  }
  absl::StatusOr<std::optional<AccountId>> FindAddress(std::string_view key) const;

  // Calls `each` with keys > `after` (all, if empty) that begin with `prefix`, in order, until it returns false.
  absl::Status Scan(Table table, std::string_view prefix, std::string_view after,
                    const std::function<bool(std::string_view key, std::string_view value)>& each) const;

  void Put(kv::Batch& batch, Table table, std::string_view key, const google::protobuf::MessageLite& record) const;
  void PutAddress(kv::Batch& batch, std::string_view key, AccountId id) const;
  void Delete(kv::Batch& batch, Table table, std::string_view key) const;
  // Durable when OK; after an error it may still have happened. `grows` false passes below the floor of free space.
  absl::Status Write(kv::Batch batch, bool grows);

  kv::Database& database() const { return database_; }

 private:
  Store(kv::Database& database, kv::CommitPipeline& pipeline) : database_(database), pipeline_(pipeline) {}
  absl::StatusOr<bool> Read(Table table, std::string_view key, google::protobuf::MessageLite* record) const;
  absl::Status Initialise();
  kv::Column column(Table table) const { return database_.column(static_cast<size_t>(table)); }

  kv::Database& database_;
  kv::CommitPipeline& pipeline_;
};

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_STORE_H_
