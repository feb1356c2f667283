// The fetcher as a process: what it is made of.
#ifndef MAILMESH_SERVICES_FETCHER_APP_H_
#define MAILMESH_SERVICES_FETCHER_APP_H_

#include <absl/status/statusor.h>

#include <memory>

#include "common/service/run.h"
#include "common/service/runtime.h"
#include "mailmesh/config/v1/fetcher.pb.h"
#include "services/fetcher/fetcher.h"
#include "services/fetcher/fetcher_service.h"

namespace mailmesh::fetcher {

class App final : public service::AppBase {
 public:
  using Config = config::v1::FetcherConfig;
  static constexpr const char* kRole = "fetcher";

  static absl::StatusOr<std::unique_ptr<App>> Create(const Config& config, service::Runtime& runtime);

  absl::Status Start() override;
  void Drain(absl::Time deadline) override;
  void Stop() override {}

 private:
  explicit App(service::Runtime& runtime) : runtime_(runtime) {}

  service::Runtime& runtime_;
  std::unique_ptr<Fetcher> fetcher_;
  std::unique_ptr<FetcherServiceImpl> service_;
};

}  // namespace mailmesh::fetcher

#endif  // MAILMESH_SERVICES_FETCHER_APP_H_
