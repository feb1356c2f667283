#include "services/outbound_relay/app.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/auth/lookup_metrics.h"
#include "common/base/status.h"
#include "common/config/duration.h"
#include "common/dns/metered_resolver.h"
#include "common/dns/unbound_resolver.h"
#include "common/net/host_name.h"
#include "common/net/sleep.h"
#include "common/net/spawn.h"
#include "common/service/on_pool.h"
#include "common/telemetry/log.h"

namespace mailmesh::outbound_relay {
namespace {

constexpr auto kCollectInterval = std::chrono::minutes(10);
constexpr absl::Duration kUploadAge = absl::Hours(1);
constexpr int kSpoolThreads = 4;
constexpr int kAdminThreads = 2;
// Longer than a call is on its way here.
constexpr absl::Duration kRefusing = absl::Milliseconds(100);

absl::StatusOr<RelayOptions> MakeOptions(const config::v1::OutboundRelayConfig& config) {
  RelayOptions options;
  options.hostname = net::HostNameOr(config.hostname());
  options.postmaster = config.postmaster().empty() ? absl::StrCat("MAILER-DAEMON@", options.hostname) : config.postmaster();
  options.min_retry = config::ToAbsl(config.min_retry());
  options.max_retry = config::ToAbsl(config.max_retry());
  options.max_age = config::ToAbsl(config.max_age());
  options.delay_warning = config::ToAbsl(config.delay_warning());
  options.max_connections = config.max_connections();
  options.max_connections_per_destination = config.max_connections_per_destination();
  options.connection_idle = config::ToChrono(config.connection_idle());
  options.messages_per_connection = config.messages_per_connection();
  options.connect_timeout = config::ToChrono(config.connect_timeout());
  options.command_timeout = config::ToChrono(config.command_timeout());
  options.data_timeout = config::ToChrono(config.data_timeout());
  options.dns_timeout = config::ToChrono(config.dns().timeout());
  options.servers_per_attempt = config.servers_per_attempt();
  options.attempt_time = config::ToChrono(config.attempt_time());
  options.smtp_port = static_cast<uint16_t>(config.smtp_port());
  options.max_message_bytes = config.max_message_bytes();
  ASSIGN_OR_RETURN(options.own_addresses, FindOwnAddresses({config.own_addresses().begin(), config.own_addresses().end()}));
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<App>> App::Create(const Config& config, service::Runtime& runtime) {
  std::unique_ptr<App> app(new App(runtime));
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> directory, runtime.Channel("directory"));
  ASSIGN_OR_RETURN(RelayOptions relay_options, MakeOptions(config));
  app->relay_ = std::make_unique<Relay>(runtime.metrics(), runtime.clock(), std::move(relay_options), directory);
  Relay& relay = *app->relay_;
  const auto on_fatal = [&runtime](const absl::Status& status) { runtime.RequestExit(base::Annotate(status, "spool")); };
  ASSIGN_OR_RETURN(relay.spool, Spool::Open(config.spool(), runtime.metrics(), runtime.clock(), on_fatal));
  relay.spool_pool = &runtime.Pool("spool", kSpoolThreads);
  relay.shards = std::make_unique<auth::ShardMap>(directory, runtime.ChannelsTo("mailbox_store"));
  relay.admin_pool = &runtime.Pool("queue-admin", kAdminThreads);
  dns::UnboundOptions dns;
  dns.forward_servers.assign(config.dns().forwarders().begin(), config.dns().forwarders().end());
  ASSIGN_OR_RETURN(auto resolver, dns::UnboundResolver::Create(runtime.io().at(0).get_executor(), std::move(dns)));
  relay.resolver = std::make_unique<dns::MeteredResolver>(std::move(resolver), runtime.metrics());
  net::TlsClientOptions tls;
  tls.ca_file = config.trust_anchors();
  ASSIGN_OR_RETURN(relay.tls, net::TlsClientContext::Create(tls));
  ASSIGN_OR_RETURN(relay.secrets, RouteSecrets::Open(config.key_ring()));
  app->scheduler_ = std::make_unique<Scheduler>(relay, runtime.io());
  app->relay_service_ = std::make_unique<RelayServiceImpl>(relay, *app->scheduler_, runtime.io());
  app->queue_service_ = std::make_unique<QueueAdminServiceImpl>(relay, *app->scheduler_);
  runtime.AddGrpcService(app->relay_service_.get());
  app->secret_service_ = std::make_unique<RouteSecretServiceImpl>(relay.secrets, *relay.admin_pool);
  runtime.AddGrpcService(app->queue_service_.get());
  runtime.AddGrpcService(app->secret_service_.get());
  runtime.SetDatabaseSchema({.version = kSpoolSchema, .newest = kSpoolSchema});
  runtime.AddReadinessCheck("spool", [spool = relay.spool.get()] { return spool->Check(); });
  app->lookup_metrics_ = auth::MeterLookups(runtime.metrics(), relay.lookups);
  app->scrape_hook_ = runtime.metrics().OnScrape([scheduler = app->scheduler_.get()] { scheduler->UpdateMetrics(); });
  return app;
}

net::Awaitable<void> App::CollectForever(Relay* relay) {
  while (!relay->stopping.load()) {
    // In small steps, so that a stop does not wait.
    const net::TimePoint next = net::After(kCollectInterval);
    while (!relay->stopping.load() && net::Clock::now() < next) co_await net::SleepFor(std::chrono::seconds(1));
    if (relay->stopping.load()) co_return;
    auto work = [spool = relay->spool.get(), keep = relay->options.max_age + absl::Hours(48)] { return spool->Collect(kUploadAge, keep); };
    absl::Status collected = co_await service::OnPool(*relay->spool_pool, std::move(work));
    if (!collected.ok()) telemetry::Warning("spool not collected", {{"error", base::Message(collected)}});
  }
}

absl::Status App::Start() {
  scheduler_->Start();
  net::Spawn(runtime_.io().Next().get_executor(), CollectForever(relay_.get()), "spool-collect");
  return absl::OkStatus();
}

// No message is begun any more; those under way come to their end, or are due again after the next start. Whoever has sent a content here
// can queue its message nowhere else.
void App::Drain(absl::Time deadline) {
  relay_->stopping.store(true);
  scheduler_->Wake();
  const auto busy = [this] { return scheduler_->active() > 0 || relay_service_->ExpectsMessages(); };
  while (busy() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(20));
  // What still comes is refused in words that say that nothing came of it, as gRPC's own end does not: callers queue it elsewhere.
  relay_service_->Refuse();
  absl::SleepFor(kRefusing);
}

}  // namespace mailmesh::outbound_relay
