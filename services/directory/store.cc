#include "services/directory/store.h"

#include "absl/strings/str_cat.h"
#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/base/status.h"

namespace mailmesh::directory {
namespace {

constexpr size_t kDecoyOctets = 32;
constexpr std::string_view kTableNames[] = {"meta",    "domains",     "routes", "accounts", "addresses",
                                            "aliases", "credentials", "shards", "requests"};

}  // namespace

std::vector<kv::ColumnOptions> DirectoryColumns() {
  std::vector<kv::ColumnOptions> columns;
  for (std::string_view name : kTableNames) {
    kv::ColumnOptions column;
    column.name = std::string(name);
    columns.push_back(std::move(column));
  }
  return columns;
}

std::string AccountKey(AccountId id) {
  std::string key;
  base::AppendBigEndian(key, id.value());
  return key;
}

std::string AccountText(AccountId id) { return base::HexEncode(AccountKey(id)); }

std::optional<AccountId> ParseAccountText(std::string_view text) {
  std::optional<std::string> key = base::HexDecode(text);
  if (!key) return std::nullopt;
  return ParseAccountKey(*key);
}

std::optional<AccountId> ParseAccountKey(std::string_view key) {
  std::optional<uint64_t> value = base::TakeBigEndian<uint64_t>(key);
  if (!value || !key.empty() || *value == 0) return std::nullopt;
  return AccountId(*value);
}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(kv::Database& database, kv::CommitPipeline& pipeline) {
  std::unique_ptr<Store> store(new Store(database, pipeline));
  RETURN_IF_ERROR(store->Initialise());
  return store;
}

absl::Status Store::Initialise() {
  ASSIGN_OR_RETURN(auto meta, Find<storage::v1::DirectoryMeta>(Table::kMeta, kMetaKey));
  if (meta) {
    if (meta->schema_version() <= kSchemaVersion) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat("the directory's database has schema ", meta->schema_version(),
                                                      ", this program knows ", kSchemaVersion, ": use a newer program"));
  }
  storage::v1::DirectoryMeta fresh;
  fresh.set_schema_version(kSchemaVersion);
  fresh.set_decoy_secret(base::RandomString(kDecoyOctets));
  kv::Batch batch;
  Put(batch, Table::kMeta, kMetaKey, fresh);
  return Write(std::move(batch), /*grows=*/true);
}

absl::StatusOr<bool> Store::Read(Table table, std::string_view key, google::protobuf::MessageLite* record) const {
  kv::Value value;
  ASSIGN_OR_RETURN(bool found, database_.Get(column(table), key, &value));
  if (!found) return false;
  std::string_view octets = value.view();
  if (record->ParseFromArray(octets.data(), static_cast<int>(octets.size()))) return true;
  return absl::DataLossError(
      absl::StrCat("a record of ", std::string(kTableNames[static_cast<size_t>(table)]), " cannot be read"));
}

absl::StatusOr<std::optional<AccountId>> Store::FindAddress(std::string_view key) const {
  kv::Value value;
  ASSIGN_OR_RETURN(bool found, database_.Get(column(Table::kAddresses), key, &value));
  if (!found) return std::optional<AccountId>();
  std::optional<AccountId> id = ParseAccountKey(value.view());
  if (!id) return absl::DataLossError("a record of addresses cannot be read");
  return id;
}

absl::Status Store::Scan(Table table, std::string_view prefix, std::string_view after,
                         const std::function<bool(std::string_view, std::string_view)>& each) const {
  std::unique_ptr<kv::Iterator> it =
      database_.NewIterator(column(table), std::string(prefix), kv::PrefixEnd(prefix));
  if (after.empty()) {
    it->SeekToFirst();
  } else {
    it->Seek(after);
    if (it->Valid() && it->key() == after) it->Next();
  }
  for (; it->Valid(); it->Next()) {
    if (!each(it->key(), it->value())) break;
  }
  return it->status();
}

void Store::Put(kv::Batch& batch, Table table, std::string_view key, const google::protobuf::MessageLite& record) const {
  batch.Put(column(table), key, record.SerializeAsString());
}

void Store::PutAddress(kv::Batch& batch, std::string_view key, AccountId id) const {
  batch.Put(column(Table::kAddresses), key, AccountKey(id));
}

void Store::Delete(kv::Batch& batch, Table table, std::string_view key) const { batch.Delete(column(table), key); }

absl::Status Store::Write(kv::Batch batch, bool grows) {
  kv::Commit commit;
  commit.batch = std::move(batch);
  commit.grows = grows;
  return pipeline_.Write(std::move(commit));
}

}  // namespace mailmesh::directory
