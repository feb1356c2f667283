#include "services/smtp_ingress/app.h"

#include "common/auth/lookup_metrics.h"
#include "common/base/status.h"
#include "common/config/duration.h"
#include "common/net/host_name.h"
#include "common/net/io_pool.h"
#include "common/net/listener.h"
#include "common/rpc/channel.h"
#include "common/service/proxy_listener.h"
#include "common/smtp/replies.h"
#include "services/smtp_ingress/session.h"

namespace mailmesh::smtp_ingress {
namespace {

net::Awaitable<void> RunSession(Ingress* ingress, net::Stream stream, ListenerKind kind) {
  Session session(*ingress, std::move(stream), kind);
  co_await session.Run();
}

net::ListenerOptions Options(ListenerKind kind) {
  net::ListenerOptions options;
  options.refusal = [kind](net::RefusalReason) {
    std::string line;
    // RFC 2034, 4: a greeting has no enhanced code.
    if (kind != ListenerKind::kSubmissions) smtp::AppendReply(smtp::replies::kTooManySessions, false, line);
    return line;
  };
  return options;
}

service::Runtime::Handler Handler(Ingress* ingress, ListenerKind kind) {
  return [ingress, kind](net::Stream stream) { return RunSession(ingress, std::move(stream), kind); };
}

}  // namespace

std::vector<config::Problem> App::Check(const Config& config) {
  std::vector<config::Problem> problems;
  const auto check = [&problems](std::string_view name, const config::v1::ProxyListenerConfig& listener) {
    for (config::Problem& problem : service::CheckProxyListener(name, listener)) problems.push_back(std::move(problem));
  };
  check("mx_proxy", config.mx_proxy());
  check("submission_proxy", config.submission_proxy());
  check("submissions_proxy", config.submissions_proxy());
  return problems;
}

absl::StatusOr<std::unique_ptr<App>> App::Create(const Config& config, service::Runtime& runtime) {
  std::unique_ptr<App> app(new App(config, runtime));
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> directory, runtime.Channel("directory"));
  app->ingress_ = std::make_unique<Ingress>(runtime.metrics(), runtime.sessions(),
                                            auth::Authenticator(directory, auth::Policy(config.auth())), directory);
  Ingress& ingress = *app->ingress_;
  app->lookup_metrics_ = auth::MeterLookups(runtime.metrics(), ingress.lookups);
  ingress.shards = std::make_unique<auth::ShardMap>(directory, runtime.ChannelsTo("mailbox_store"));
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> relay, runtime.Channel("outbound_relay"));
  const bool one_relay = rpc::IsOneProcess(runtime.common().peers().at("outbound_relay").endpoint());
  ingress.relays = std::make_unique<rpc::ReplicaPicker>(relay, runtime.ChannelsTo("outbound_relay"), one_relay);
  ASSIGN_OR_RETURN(ingress.tls, runtime.LoadTls("smtp", config.tls()));
  ingress.hostname = net::HostNameOr(config.hostname());
  const std::vector<std::string> networks(config.lmtp_networks().begin(), config.lmtp_networks().end());
  ASSIGN_OR_RETURN(ingress.lmtp_networks, net::CidrSet::Parse(networks));
  for (const char* loopback : {"127.0.0.0/8", "::1"}) {
    ASSIGN_OR_RETURN(const net::Cidr range, net::Cidr::Parse(loopback));
    ingress.lmtp_networks.Add(range);
  }
  const std::vector<std::string> exempt(config.limits().exempt_networks().begin(), config.limits().exempt_networks().end());
  ASSIGN_OR_RETURN(net::CidrSet exempt_networks, net::CidrSet::Parse(exempt));
  ingress.limits = std::make_unique<Limits>(config.limits(), std::move(exempt_networks), runtime.metrics());
  ingress.completion = config.completion();
  ingress.max_message_bytes = config.max_message_bytes();
  ingress.max_recipients = config.max_recipients();
  ingress.max_hops = config.max_hops();
  ingress.max_bad_commands = config.max_bad_commands();
  ingress.command_timeout = config::ToChrono(config.command_timeout());
  ingress.data_timeout = config::ToChrono(config.data_timeout());
  ingress.session_timeout = config::ToChrono(config.session_timeout());
  ingress.transaction_timeout = config::ToChrono(config.transaction_timeout());
  app->account_watch_ = std::make_shared<auth::AccountWatch>(runtime.io().Next().get_executor(), directory,
                                                             auth::AccountWatch::Of(runtime.sessions()));
  return app;
}

absl::Status App::StartListener(ListenerKind kind, const config::v1::ListenerConfig& listener) {
  ASSIGN_OR_RETURN(const bool started, runtime_.StartListener(ListenerName(kind), listener, Options(kind), Handler(ingress_.get(), kind)));
  if (started) ingress_->metrics.sessions_limit.With({ListenerName(kind)}).Add(listener.max_sessions());
  return absl::OkStatus();
}

absl::Status App::StartProxyListener(ListenerKind kind, std::string_view name, const config::v1::ProxyListenerConfig& listener) {
  ASSIGN_OR_RETURN(const bool started, runtime_.StartProxyListener(name, listener, Options(kind), Handler(ingress_.get(), kind)));
  if (started) ingress_->metrics.sessions_limit.With({ListenerName(kind)}).Add(listener.max_sessions());
  return absl::OkStatus();
}

absl::Status App::Start() {
  account_watch_->Start();
  RETURN_IF_ERROR(StartListener(ListenerKind::kMx, config_.mx()));
  RETURN_IF_ERROR(StartListener(ListenerKind::kSubmission, config_.submission()));
  RETURN_IF_ERROR(StartListener(ListenerKind::kSubmissions, config_.submissions()));
  RETURN_IF_ERROR(StartListener(ListenerKind::kLmtp, config_.lmtp()));
  RETURN_IF_ERROR(StartProxyListener(ListenerKind::kMx, "mx_proxy", config_.mx_proxy()));
  RETURN_IF_ERROR(StartProxyListener(ListenerKind::kSubmission, "submission_proxy", config_.submission_proxy()));
  return StartProxyListener(ListenerKind::kSubmissions, "submissions_proxy", config_.submissions_proxy());
}

// A transaction that has begun its content is finished; the client hears 421 at the next command.
void App::Drain(absl::Time deadline) { runtime_.sessions().DrainAll(deadline); }

}  // namespace mailmesh::smtp_ingress
