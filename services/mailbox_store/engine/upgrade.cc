#include "services/mailbox_store/engine/upgrade.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/keys.h"
#include "services/mailbox_store/engine/repair.h"

namespace mailmesh::mailbox_store {
namespace {

// 1 -> 2. Limits that are enforced need counters that are right, whatever an older program did to them.
absl::Status CountAnew(Store& store) {
  auto it = store.db().NewIterator(store.column(ColumnId::kAccounts), "", "");
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    std::string_view key = it->key();
    const std::optional<AccountId> account = keys::TakeAccount(key);
    if (!account) return Damaged("account's key");
    const absl::Status counted = RepairAccount(store, *account, &Recount);
    // A deleted account has nothing to count, and a damaged one is for `verify` to tell of: neither keeps the others from serving.
    if (!counted.ok() && !absl::IsNotFound(counted) && !absl::IsDataLoss(counted)) return counted;
  }
  return FromKv(it->status());
}

// The step at [i] leads from version i + 1 to i + 2.
constexpr absl::Status (*kSteps[])(Store&) = {&CountAnew};
static_assert(std::size(kSteps) + 1 == kPreviousSchema);

}  // namespace

absl::Status Upgrade(Store& store, storage::v1::MailboxStoreMeta* meta) {
  if (meta->schema_version() > kSchemaVersion || meta->schema_version() == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the database has schema version ", meta->schema_version(), ", this program knows 1 to ",
                     kSchemaVersion, ": it was used by a newer version; run that one, or restore a backup"));
  }
  while (meta->schema_version() < kPreviousSchema) {
    RETURN_IF_ERROR(kSteps[meta->schema_version() - 1](store));
    meta->set_schema_version(meta->schema_version() + 1);
    kv::Commit commit;
    commit.batch.Put(store.column(ColumnId::kMeta), keys::Meta(), meta->SerializeAsString());
    commit.grows = false;
    RETURN_IF_ERROR(FromKv(store.pipeline().Write(std::move(commit))));
    telemetry::Info("database upgraded", {{"schema_version", meta->schema_version()}});
  }
  return absl::OkStatus();
}

}  // namespace mailmesh::mailbox_store
