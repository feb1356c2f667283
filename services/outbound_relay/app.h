// The relay as a process: what it is made of.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_APP_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_APP_H_

#include <absl/status/statusor.h>

#include <memory>

#include "common/service/run.h"
#include "common/service/runtime.h"
#include "mailmesh/config/v1/outbound_relay.pb.h"
#include "services/outbound_relay/queue_admin_service.h"
#include "services/outbound_relay/relay.h"
#include "services/outbound_relay/relay_service.h"
#include "services/outbound_relay/route_secret_service.h"
#include "services/outbound_relay/scheduler.h"

namespace mailmesh::outbound_relay {

class App final : public service::AppBase {
 public:
  using Config = config::v1::OutboundRelayConfig;
  static constexpr const char* kRole = "outbound_relay";

  static absl::StatusOr<std::unique_ptr<App>> Create(const Config& config, service::Runtime& runtime);

  absl::Status Start() override;
  void Drain(absl::Time deadline) override;
  void Stop() override {}

 private:
  explicit App(service::Runtime& runtime) : runtime_(runtime) {}
  static net::Awaitable<void> CollectForever(Relay* relay);

  service::Runtime& runtime_;
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<RelayServiceImpl> relay_service_;
  std::unique_ptr<QueueAdminServiceImpl> queue_service_;
  std::unique_ptr<RouteSecretServiceImpl> secret_service_;
  telemetry::ScrapeHook lookup_metrics_;
  telemetry::ScrapeHook scrape_hook_;
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_APP_H_
