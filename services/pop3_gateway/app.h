// The POP3 gateway as a process: what it is made of.
#ifndef MAILMESH_SERVICES_POP3_GATEWAY_APP_H_
#define MAILMESH_SERVICES_POP3_GATEWAY_APP_H_

#include <absl/status/statusor.h>

#include <memory>

#include "common/auth/account_watch.h"
#include "common/service/run.h"
#include "common/service/runtime.h"
#include "mailmesh/config/v1/pop3_gateway.pb.h"
#include "services/pop3_gateway/gateway.h"

namespace mailmesh::pop3_gateway {

class App final : public service::AppBase {
 public:
  using Config = config::v1::Pop3GatewayConfig;
  static constexpr const char* kRole = "pop3_gateway";

  static std::vector<config::Problem> Check(const Config& config);
  static absl::StatusOr<std::unique_ptr<App>> Create(const Config& config, service::Runtime& runtime);

  absl::Status Start() override;
  void Drain(absl::Time deadline) override;
  void Stop() override { account_watch_->Stop(); }

 private:
  App(Config config, service::Runtime& runtime) : config_(std::move(config)), runtime_(runtime) {}

  const Config config_;
  service::Runtime& runtime_;
  std::unique_ptr<Gateway> gateway_;
  std::shared_ptr<auth::AccountWatch> account_watch_;  // shared with its coroutine
};

}  // namespace mailmesh::pop3_gateway

#endif  // MAILMESH_SERVICES_POP3_GATEWAY_APP_H_
