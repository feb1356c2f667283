#include "services/mailbox_store/app.h"

#include <thread>

#include "common/base/status.h"
#include "common/config/duration.h"
#include "common/telemetry/log.h"
#include "services/mailbox_store/engine/fetch_leases.h"
#include "services/mailbox_store/engine/maildrop_leases.h"
#include "services/mailbox_store/engine/upgrade.h"
#include "services/mailbox_store/engine/uploads.h"

namespace mailmesh::mailbox_store {
namespace {

// A backup, a verification, and one for short questions.
constexpr int kJobThreads = 3;

StoreOptions OptionsOf(const config::v1::MailboxStoreConfig& config) {
  StoreOptions options;
  options.path = config.database().path();
  options.cache_bytes = config.database().cache_bytes();
  options.write_buffer_bytes = config.database().write_buffer_bytes();
  options.free_space_floor_bytes = config.database().free_space_floor_bytes();
  options.ballast_bytes = config.database().ballast_bytes();
  options.max_message_bytes = config.max_message_bytes();
  options.max_mailboxes = config.max_mailboxes();
  options.special_mailboxes = config.special_mailboxes();
  options.quota_octets = config.quota().max_bytes();
  options.quota_messages = config.quota().max_messages();
  options.backup_folder = config.backup().path();
  options.backup_octets_per_second = config.backup().per_second_bytes();
  options.request_memory = config::ToAbsl(config.request_memory());
  options.upload_memory = config::ToAbsl(config.upload_memory());
  options.head_cache_bytes = config.head_cache_bytes();
  return options;
}

}  // namespace

App::App(service::Runtime& runtime)
    : runtime_(runtime), metrics_(runtime.metrics()), pipeline_metrics_(runtime.metrics(), kRole) {}

absl::StatusOr<std::unique_ptr<App>> App::Create(const Config& config, service::Runtime& runtime) {
  std::unique_ptr<App> app(new App(runtime));
  StoreOptions options = OptionsOf(config);
  options.clock = &runtime.clock();
  options.on_fatal = [&runtime](const absl::Status& status) {
    runtime.RequestExit(base::Annotate(status, "the database cannot go on"));
  };
  options.pipeline_metrics = &app->pipeline_metrics_;
  options.metrics = &app->metrics_;
  ASSIGN_OR_RETURN(app->store_, Store::Open(std::move(options)));
  Store& store = *app->store_;
  app->database_metrics_ =
      std::make_unique<kv::DatabaseMetrics>(runtime.metrics(), kRole, store.db(), &store.free_space());

  Collector::Options collector;
  collector.on_error = [](const absl::Status& status) { telemetry::Warning("collecting failed", {{"error", status}}); };
  app->collector_ = std::make_unique<Collector>(store, std::move(collector));
  ArrivalStep::Options step;
  step.on_progress = [app = app.get()] { app->TellSchema(); };
  step.on_error = [](const absl::Status& status) { telemetry::Warning("step of the upgrade failed", {{"error", status}}); };
  app->arrival_step_ = std::make_unique<ArrivalStep>(store, std::move(step));

  const int threads = config.worker_threads() > 0 ? static_cast<int>(config.worker_threads())
                                                  : 2 * static_cast<int>(std::thread::hardware_concurrency());
  base::WorkerPool& changes = runtime.Pool("changes", threads);
  base::WorkerPool& reads = runtime.Pool("reads", threads);
  // Backups, verifications, and what else operators ask for: they must not take the readers' threads.
  base::WorkerPool& jobs = runtime.Pool("jobs", kJobThreads);
  app->pools_ = {&changes, &reads, &jobs};
  const ServiceParts parts{store, runtime.io(), changes, reads};
  app->mailboxes_ = std::make_unique<MailboxServiceImpl>(parts);
  app->fetch_jobs_ = std::make_unique<FetchJobServiceImpl>(parts, [&runtime] { return runtime.closing(); });
  runtime.AddGrpcService(app->mailboxes_.get());
  runtime.AddGrpcService(app->fetch_jobs_.get());
  app->admin_ = std::make_unique<StoreAdminServiceImpl>(ServiceParts{store, runtime.io(), changes, jobs});
  runtime.AddGrpcService(app->admin_.get());
  runtime.AddReadinessCheck("database", [store = &store]() -> absl::Status {
    // Free space below the floor makes nobody unready: reading and deleting go on.
    return store->db().failed() ? absl::UnavailableError("the database cannot go on") : absl::OkStatus();
  });
  app->TellSchema();
  runtime.OnFinalizeUpgrade([step = app->arrival_step_.get()] { return step->Finalize(); });
  app->hook_ = runtime.metrics().OnScrape([app = app.get()] { app->Scrape(); });
  return app;
}

void App::Scrape() {
  metrics_.subscribers.Set(static_cast<double>(store_->hub().subscribers()));
  metrics_.collected_messages.RaiseTo(static_cast<double>(collector_->collected_messages()));
  metrics_.collected_blobs.RaiseTo(static_cast<double>(collector_->collected_blobs()));
  metrics_.fetch_jobs.Set(static_cast<double>(store_->fetch_leases().count()));
  metrics_.uploads.Set(static_cast<double>(store_->uploads().count()));
  metrics_.maildrop_leases.Set(static_cast<double>(store_->maildrops().count()));
}

void App::TellSchema() {
  runtime_.SetDatabaseSchema({.version = store_->schema_version(), .newest = kSchemaVersion, .step_left = arrival_step_->left()});
}

absl::Status App::Start() {
  collector_->Start();
  arrival_step_->Start();
  return absl::OkStatus();
}

void App::Stop() {
  collector_->Stop();
  arrival_step_->Stop();
  // What the pools still have to do uses the database.
  for (base::WorkerPool* pool : pools_) pool->Shutdown();
  store_->pipeline().Stop();
}

}  // namespace mailmesh::mailbox_store
