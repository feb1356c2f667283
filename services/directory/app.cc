#include "services/directory/app.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/channel.h"
#include "common/sasl/password_hash.h"
#include "services/directory/store.h"

namespace mailmesh::directory {

std::vector<config::Problem> App::Check(const Config& config) {
  std::vector<config::Problem> problems;
  sasl::Argon2Parameters argon2{.memory_kib = config.argon2_memory_kib(), .passes = config.argon2_passes(), .lanes = 1};
  if (absl::Status status = sasl::CheckArgon2Parameters(argon2); !status.ok()) {
    problems.push_back({0, 0, "argon2_memory_kib", std::string(base::Message(status))});
  }
  for (const auto& [name, endpoint] : config.shards()) {
    const absl::StatusOr<bool> needs_tls = rpc::NeedsTls(endpoint);
    if (!needs_tls.ok()) {
      problems.push_back({0, 0, absl::StrCat("shards.", name), std::string(base::Message(needs_tls.status()))});
    } else if (*needs_tls && !config.common().grpc().has_tls()) {
      problems.push_back({0, 0, "common.grpc.tls", absl::StrCat("is required where the shard ", name, " is no Unix socket")});
    }
  }
  return problems;
}

absl::StatusOr<std::unique_ptr<App>> App::Create(const Config& config, service::Runtime& runtime) {
  std::unique_ptr<App> app(new App());
  base::WorkerPool& database = runtime.Pool("database", 0);
  base::WorkerPool& edits = runtime.Pool("edits", 2);
  // A log-in takes some 30 ms of a core: a queue of 1,000 is as long as a client waits.
  base::WorkerPool& hash = runtime.Pool("hash", static_cast<int>(config.hash_threads()), 1000);
  app->pools_ = {&database, &edits, &hash};
  Core::Surroundings surroundings{runtime.io(), database, edits, hash, runtime.metrics(), runtime.clock(),
                                  [&runtime](const absl::Status& status) { runtime.RequestExit(status); }};
  ASSIGN_OR_RETURN(app->core_, Core::Create(config, std::move(surroundings)));
  for (grpc::Service* service : app->core_->services()) runtime.AddGrpcService(service);
  runtime.SetDatabaseSchema({.version = kSchemaVersion, .newest = kSchemaVersion});
  runtime.AddReadinessCheck("database", [core = app->core_.get()] { return core->Ready(); });
  return app;
}

void App::Stop() {
  // What the pools still have to do uses the database.
  for (base::WorkerPool* pool : pools_) pool->Shutdown();
  core_->Stop();
}

}  // namespace mailmesh::directory
