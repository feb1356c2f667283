#include "services/imap_gateway/app.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/config/duration.h"
#include "common/imap/response.h"
#include "common/net/io_pool.h"
#include "common/net/listener.h"
#include "common/service/proxy_listener.h"
#include "services/imap_gateway/session.h"

namespace mailmesh::imap_gateway {
namespace {

// So long before the end of a drain every session has been told.
constexpr absl::Duration kLastTold = absl::Seconds(10);

net::Awaitable<void> RunSession(Gateway* gateway, net::Stream stream, bool implicit_tls) {
  Session session(*gateway, std::move(stream), implicit_tls);
  co_await session.Run();
}

net::ListenerOptions Options(bool implicit_tls) {
  net::ListenerOptions options;
  options.refusal = [implicit_tls](net::RefusalReason) {
    std::string line;
    if (!implicit_tls) {
      imap::AppendUntaggedStatus(line, imap::Condition::kBye, imap::Code::kUnavailable,
                                 "Too many connections, try again later.");
    }
    return line;
  };
  return options;
}

}  // namespace

std::vector<config::Problem> App::Check(const Config& config) {
  std::vector<config::Problem> problems = service::CheckProxyListener("imap_proxy", config.imap_proxy());
  for (config::Problem& problem : service::CheckProxyListener("imaps_proxy", config.imaps_proxy())) {
    problems.push_back(std::move(problem));
  }
  return problems;
}

absl::StatusOr<std::unique_ptr<App>> App::Create(const Config& config, service::Runtime& runtime) {
  std::unique_ptr<App> app(new App(config, runtime));
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> directory, runtime.Channel("directory"));
  app->gateway_ = std::make_unique<Gateway>(runtime.metrics(), runtime.sessions(),
                                            auth::Authenticator(directory, auth::Policy(config.auth())));
  Gateway& gateway = *app->gateway_;
  gateway.shard_map = std::make_unique<auth::ShardMap>(directory, runtime.ChannelsTo("mailbox_store"));
  const auto next_executor = [&runtime]() -> net::Executor { return runtime.io().Next().get_executor(); };
  gateway.shards = std::make_unique<Shards>(*gateway.shard_map, next_executor, config.closed_view_bytes());
  ASSIGN_OR_RETURN(gateway.tls, runtime.LoadTls("imap", config.tls()));
  gateway.hostname = config.hostname();
  gateway.max_append_bytes = config.max_append_bytes();
  gateway.max_line_bytes = config.max_line_bytes();
  gateway.literal_minus = config.literal_minus();
  gateway.idle_timeout = config::ToChrono(config.idle_timeout());
  gateway.login_timeout = config::ToChrono(config.login_timeout());
  gateway.keepalive_interval = config::ToChrono(config.keepalive_interval());
  app->views_hook_ = runtime.metrics().OnScrape(
      [g = &gateway] { g->metrics.views.Set(static_cast<double>(g->shards->view_count())); });
  app->account_watch_ = std::make_shared<auth::AccountWatch>(runtime.io().Next().get_executor(), directory,
                                                             auth::AccountWatch::Of(runtime.sessions()));
  return app;
}

absl::Status App::Start() {
  account_watch_->Start();
  Gateway* gateway = gateway_.get();
  const auto plain = [gateway](net::Stream stream) { return RunSession(gateway, std::move(stream), false); };
  const auto implicit = [gateway](net::Stream stream) { return RunSession(gateway, std::move(stream), true); };
  RETURN_IF_ERROR(runtime_.StartListener("imap", config_.imap(), Options(false), plain).status());
  RETURN_IF_ERROR(runtime_.StartListener("imaps", config_.imaps(), Options(true), implicit).status());
  RETURN_IF_ERROR(runtime_.StartProxyListener("imap_proxy", config_.imap_proxy(), Options(false), plain).status());
  return runtime_.StartProxyListener("imaps_proxy", config_.imaps_proxy(), Options(true), implicit).status();
}

// Sessions end at a command boundary with BYE, spread over the window, for all of them reconnecting at once would be a storm. The end of
// the window is left for those that are sending a command when their turn comes.
void App::Drain(absl::Time deadline) {
  const absl::Duration window = deadline - absl::Now();
  runtime_.sessions().DrainAll(deadline, window - std::min(window / 2, kLastTold));
}

void App::Stop() {
  account_watch_->Stop();
  gateway_->shards->Stop(absl::Now() + absl::Seconds(5));
}

}  // namespace mailmesh::imap_gateway
