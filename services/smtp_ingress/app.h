// The SMTP ingress as a process: what it is made of.
#ifndef MAILMESH_SERVICES_SMTP_INGRESS_APP_H_
#define MAILMESH_SERVICES_SMTP_INGRESS_APP_H_

#include <absl/status/statusor.h>

#include <memory>

#include "common/auth/account_watch.h"
#include "common/service/run.h"
#include "common/service/runtime.h"
#include "mailmesh/config/v1/smtp_ingress.pb.h"
#include "services/smtp_ingress/ingress.h"

namespace mailmesh::smtp_ingress {

class App final : public service::AppBase {
 public:
  using Config = config::v1::SmtpIngressConfig;
  static constexpr const char* kRole = "smtp_ingress";

  static std::vector<config::Problem> Check(const Config& config);
  static absl::StatusOr<std::unique_ptr<App>> Create(const Config& config, service::Runtime& runtime);

  absl::Status Start() override;
  void Drain(absl::Time deadline) override;
  void Stop() override { account_watch_->Stop(); }

 private:
  App(Config config, service::Runtime& runtime) : config_(std::move(config)), runtime_(runtime) {}
  absl::Status StartListener(ListenerKind kind, const config::v1::ListenerConfig& listener);
  absl::Status StartProxyListener(ListenerKind kind, std::string_view name, const config::v1::ProxyListenerConfig& listener);

  const Config config_;
  service::Runtime& runtime_;
  std::unique_ptr<Ingress> ingress_;
  telemetry::ScrapeHook lookup_metrics_;
  std::shared_ptr<auth::AccountWatch> account_watch_;  // shared with its coroutine
};

}  // namespace mailmesh::smtp_ingress

#endif  // MAILMESH_SERVICES_SMTP_INGRESS_APP_H_
