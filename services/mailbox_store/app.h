// The mailbox store as a process: the database, its background work, the two gRPC services.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_APP_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_APP_H_

#include <memory>
#include <vector>

#include "common/kv/metrics.h"
#include "common/service/run.h"
#include "mailmesh/config/v1/mailbox_store.pb.h"
#include "services/mailbox_store/engine/arrival_step.h"
#include "services/mailbox_store/engine/collector.h"
#include "services/mailbox_store/engine/metrics.h"
#include "services/mailbox_store/engine/store.h"
#include "services/mailbox_store/rpc/fetch_job_service.h"
#include "services/mailbox_store/rpc/mailbox_service.h"
#include "services/mailbox_store/rpc/store_admin_service.h"

namespace mailmesh::mailbox_store {

class App final : public service::AppBase {
 public:
  using Config = config::v1::MailboxStoreConfig;
  static constexpr const char* kRole = "mailbox_store";

  static absl::StatusOr<std::unique_ptr<App>> Create(const Config& config, service::Runtime& runtime);

  absl::Status Start() override;
  // Calls under way are the gRPC server's to wait for; watches end by themselves.
  void Drain(absl::Time) override {}
  void Stop() override;

 private:
  explicit App(service::Runtime& runtime);
  void Scrape();
  // What the database is, to the runtime.
  void TellSchema();

  service::Runtime& runtime_;
  StoreMetrics metrics_;
  kv::PipelineMetrics pipeline_metrics_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Collector> collector_;
  std::unique_ptr<ArrivalStep> arrival_step_;
  std::unique_ptr<kv::DatabaseMetrics> database_metrics_;
  std::unique_ptr<MailboxServiceImpl> mailboxes_;
  std::unique_ptr<FetchJobServiceImpl> fetch_jobs_;
  std::unique_ptr<StoreAdminServiceImpl> admin_;
  // Borrowed: the runtime's.
  std::vector<base::WorkerPool*> pools_;
  telemetry::ScrapeHook hook_;  // last: the first to go
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_APP_H_
