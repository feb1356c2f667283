#include "common/service/schema_state.h"

#include <utility>

namespace mailmesh::service {

void SchemaState::Set(const DatabaseSchema& schema) {
  absl::MutexLock lock(&mutex_);
  if (!gauges_) {
    gauges_.emplace(Gauges{
        .version = registry_.AddGauge("mailmesh_database_schema_version", "Schema of the process's database."),
        .newest = registry_.AddGauge("mailmesh_database_schema_newest",
                                     "Schema to which `mailmesh upgrade finalize` brings it; the same: nothing is left to do."),
        .step_left = registry_.AddGauge("mailmesh_database_schema_step_accounts",
                                        "Accounts that the step to the schema has still to read.")});
  }
  schema_ = schema;
  gauges_->version.Set(schema.version);
  gauges_->newest.Set(schema.newest);
  gauges_->step_left.Set(static_cast<double>(schema.step_left));
}

std::optional<DatabaseSchema> SchemaState::Get() const {
  absl::MutexLock lock(&mutex_);
  return schema_;
}

void SchemaState::OnFinalize(std::function<absl::Status()> finalize) {
  absl::MutexLock lock(&finalize_mutex_);
  finalize_ = std::move(finalize);
}

absl::Status SchemaState::Finalize() {
  absl::MutexLock lock(&finalize_mutex_);
  return finalize_ ? finalize_() : absl::OkStatus();
}

void SchemaState::Forget() {
  absl::MutexLock lock(&finalize_mutex_);
  finalize_ = nullptr;
}

}  // namespace mailmesh::service
