// The IMAP gateway as a process: what it is made of.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_APP_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_APP_H_

#include <absl/status/statusor.h>

#include <memory>

#include "common/auth/account_watch.h"
#include "common/service/run.h"
#include "common/service/runtime.h"
#include "mailmesh/config/v1/imap_gateway.pb.h"
#include "services/imap_gateway/gateway.h"

namespace mailmesh::imap_gateway {

class App final : public service::AppBase {
 public:
  using Config = config::v1::ImapGatewayConfig;
  static constexpr const char* kRole = "imap_gateway";

  static std::vector<config::Problem> Check(const Config& config);
  static absl::StatusOr<std::unique_ptr<App>> Create(const Config& config, service::Runtime& runtime);

  absl::Status Start() override;
  void Drain(absl::Time deadline) override;
  void Stop() override;

 private:
  App(Config config, service::Runtime& runtime) : config_(std::move(config)), runtime_(runtime) {}

  const Config config_;
  service::Runtime& runtime_;
  std::unique_ptr<Gateway> gateway_;
  std::shared_ptr<auth::AccountWatch> account_watch_;  // shared with its coroutine
  telemetry::ScrapeHook views_hook_;
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_APP_H_
