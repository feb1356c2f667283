#include "services/directory/core.h"

#include <map>
#include <string>
#include <utility>

#include "common/base/status.h"
#include "common/config/duration.h"
#include "common/kv/commit_pipeline.h"
#include "common/kv/database.h"
#include "common/kv/free_space_guard.h"
#include "common/kv/metrics.h"
#include "common/telemetry/log.h"
#include "services/directory/admin_service.h"
#include "services/directory/auth_service.h"
#include "services/directory/editor.h"
#include "services/directory/failure_limiter.h"
#include "services/directory/login_backend.h"
#include "services/directory/lookup_service.h"
#include "services/directory/metrics.h"
#include "services/directory/store.h"
#include "services/directory/verified_logins.h"

namespace mailmesh::directory {
namespace {

sasl::CredentialParameters ParametersOf(const config::v1::DirectoryConfig& config) {
  sasl::CredentialParameters parameters;
  if (config.argon2_memory_kib() != 0) parameters.argon2.memory_kib = config.argon2_memory_kib();
  if (config.argon2_passes() != 0) parameters.argon2.passes = config.argon2_passes();
  if (config.scram_iterations() != 0) parameters.scram_iterations = config.scram_iterations();
  return parameters;
}

VerifiedLogins::Options LoginCacheOf(const config::v1::DirectoryConfig& config, const base::Clock& clock) {
  VerifiedLogins::Options options;
  if (config.has_login_cache()) options.ttl = config::ToAbsl(config.login_cache());
  if (config.login_cache_entries() != 0) options.capacity = config.login_cache_entries();
  options.clock = &clock;
  return options;
}

FailureLimiter::Options LimitsOf(const config::v1::DirectoryConfig& config, const base::Clock& clock) {
  FailureLimiter::Options options;
  if (config.has_max_login_delay()) options.max_delay = config::ToAbsl(config.max_login_delay());
  options.clock = &clock;
  return options;
}

// Members in the order in which they need each other: destroyed in reverse.
class CoreImpl final : public Core {
 public:
  CoreImpl(const config::v1::DirectoryConfig& config, Surroundings surroundings)
      : config_(config),
        surroundings_(std::move(surroundings)),
        metrics_(surroundings_.registry),
        pipeline_metrics_(surroundings_.registry, "directory"),
        verified_(LoginCacheOf(config, surroundings_.clock)),
        limiter_(LimitsOf(config, surroundings_.clock)) {}

  ~CoreImpl() override { Stop(); }

  absl::Status Initialise() {
    RETURN_IF_ERROR(OpenDatabase());
    const sasl::CredentialParameters parameters = ParametersOf(config_);
    RETURN_IF_ERROR(sasl::CheckArgon2Parameters(parameters.argon2));
    RETURN_IF_ERROR(StartEditor(parameters));
    RETURN_IF_ERROR(StartLogins(parameters));
    MakeServices();
    scrape_ = surroundings_.registry.OnScrape([this] { SetGauges(); });
    return absl::OkStatus();
  }

  std::vector<grpc::Service*> services() override { return {lookup_.get(), admin_.get(), auth_.get()}; }

  absl::Status Ready() const override {
    if (database_->failed()) return absl::UnavailableError("the database has failed");
    return absl::OkStatus();
  }

  void Stop() override {
    scrape_ = telemetry::ScrapeHook();
    if (pipeline_ != nullptr) pipeline_->Stop();
  }

 private:
  absl::Status OpenDatabase() {
    const config::v1::DatabaseConfig& database = config_.database();
    kv::FreeSpaceGuard::Options guard;
    guard.folder = database.path();
    if (database.free_space_floor_bytes() != 0) guard.floor_bytes = database.free_space_floor_bytes();
    guard.ballast_bytes = database.ballast_bytes();
    free_space_ = std::make_unique<kv::FreeSpaceGuard>(std::move(guard));
    kv::DatabaseOptions options;
    options.path = database.path();
    if (database.cache_bytes() != 0) options.cache_bytes = database.cache_bytes();
    if (database.write_buffer_bytes() != 0) options.write_buffer_bytes = database.write_buffer_bytes();
    options.free_space = free_space_.get();
    options.on_fatal = surroundings_.on_fatal;
    ASSIGN_OR_RETURN(database_, kv::Database::Open(std::move(options), DirectoryColumns()));
    kv::CommitPipeline::Options pipeline;
    pipeline.free_space = free_space_.get();
    pipeline.metrics = &pipeline_metrics_;
    pipeline_ = std::make_unique<kv::CommitPipeline>(*database_, pipeline);
    database_metrics_ =
        std::make_unique<kv::DatabaseMetrics>(surroundings_.registry, "directory", *database_, free_space_.get());
    ASSIGN_OR_RETURN(store_, Store::Open(*database_, *pipeline_));
    return absl::OkStatus();
  }

  absl::Status StartEditor(const sasl::CredentialParameters& parameters) {
    Editor::Options options;
    options.credentials = parameters;
    options.clock = &surroundings_.clock;
    options.on_credentials_changed = [this](AccountId id) { verified_.Forget(AccountText(id)); };
    editor_ = std::make_unique<Editor>(*store_, std::move(options));
    std::map<std::string, std::string> shards(config_.shards().begin(), config_.shards().end());
    return editor_->Start(shards);
  }

  absl::Status StartLogins(const sasl::CredentialParameters& parameters) {
    ASSIGN_OR_RETURN(auto meta, store_->Find<storage::v1::DirectoryMeta>(Table::kMeta, kMetaKey));
    if (!meta) return absl::DataLossError("the directory's database has no meta record");
    sasl_ = std::make_unique<sasl::ServerSasl>(
        sasl::ServerSasl::Options{base::Secret(meta->decoy_secret()), parameters.scram_iterations});
    LoginBackend::Options options;
    options.parameters = parameters;
    options.upgrade = [this](AccountId id, uint64_t version, base::Secret password, telemetry::Trace trace) {
      Upgrade(id, version, std::move(password), std::move(trace));
    };
    ASSIGN_OR_RETURN(backend_, LoginBackend::Create(*store_, verified_, metrics_, std::move(options)));
    return absl::OkStatus();
  }

  void MakeServices() {
    uint32_t cache_seconds = static_cast<uint32_t>(config_.cache().seconds());
    lookup_ = std::make_unique<LookupService>(*store_, surroundings_.database_pool, metrics_, cache_seconds);
    admin_ = std::make_unique<AdminService>(*store_, *editor_, surroundings_.edit_pool, surroundings_.hash_pool);
    AuthServiceImpl::Parts parts{surroundings_.io, surroundings_.database_pool, surroundings_.hash_pool, *store_,
                                 *sasl_,           *backend_,                   limiter_,                metrics_};
    auth_ = std::make_unique<AuthServiceImpl>(parts);
  }

  // The log-in that found the old hash does not wait for it; a full pool leaves it to the next one.
  void Upgrade(AccountId id, uint64_t version, base::Secret password, telemetry::Trace trace) {
    absl::Status posted = surroundings_.hash_pool.Post([this, id, version, password = std::move(password), trace] {
      absl::Status status = editor_->UpgradeCredentials(id, version, password);
      if (!status.ok()) telemetry::Warning("a password hash was not renewed", {trace, {"account", AccountText(id)}, {"error", status}});
    });
    if (!posted.ok()) telemetry::Debug("a password hash is not renewed now", {trace, {"error", posted}});
  }

  void SetGauges() {
    Editor::Counts counts = editor_->counts();
    metrics_.entries.With({"domain"}).Set(static_cast<double>(counts.domains));
    metrics_.entries.With({"route"}).Set(static_cast<double>(counts.routes));
    metrics_.entries.With({"account"}).Set(static_cast<double>(counts.accounts));
    metrics_.entries.With({"alias"}).Set(static_cast<double>(counts.aliases));
    metrics_.entries.With({"shard"}).Set(static_cast<double>(counts.shards));
    metrics_.verified_logins.Set(static_cast<double>(verified_.size()));
  }

  const config::v1::DirectoryConfig config_;
  const Surroundings surroundings_;
  const Metrics metrics_;
  const kv::PipelineMetrics pipeline_metrics_;
  std::unique_ptr<kv::FreeSpaceGuard> free_space_;
  std::unique_ptr<kv::Database> database_;
  std::unique_ptr<kv::CommitPipeline> pipeline_;
  std::unique_ptr<kv::DatabaseMetrics> database_metrics_;
  std::unique_ptr<Store> store_;
  VerifiedLogins verified_;
  FailureLimiter limiter_;
  std::unique_ptr<Editor> editor_;
  std::unique_ptr<sasl::ServerSasl> sasl_;
  std::unique_ptr<LoginBackend> backend_;
  std::unique_ptr<LookupService> lookup_;
  std::unique_ptr<AdminService> admin_;
  std::unique_ptr<AuthServiceImpl> auth_;
  telemetry::ScrapeHook scrape_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Core>> Core::Create(const config::v1::DirectoryConfig& config, Surroundings surroundings) {
  auto core = std::make_unique<CoreImpl>(config, std::move(surroundings));
  RETURN_IF_ERROR(core->Initialise());
  return std::unique_ptr<Core>(std::move(core));
}

}  // namespace mailmesh::directory
