#include "services/pop3_gateway/app.h"

#include "absl/time/time.h"
#include "common/base/status.h"
#include "common/config/duration.h"
#include "common/net/io_pool.h"
#include "common/net/listener.h"
#include "common/pop3/replies.h"
#include "common/service/proxy_listener.h"
#include "services/pop3_gateway/session.h"

namespace mailmesh::pop3_gateway {
namespace {

net::Awaitable<void> RunSession(Gateway* gateway, net::Stream stream, bool implicit_tls) {
  Session session(*gateway, std::move(stream), implicit_tls);
  co_await session.Run();
}

net::ListenerOptions Options(bool implicit_tls) {
  net::ListenerOptions options;
  options.refusal = [implicit_tls](net::RefusalReason) {
    std::string line;
    if (!implicit_tls) pop3::AppendReply(pop3::replies::kTooManySessions, line);
    return line;
  };
  return options;
}

}  // namespace

std::vector<config::Problem> App::Check(const Config& config) {
  std::vector<config::Problem> problems = service::CheckProxyListener("pop3_proxy", config.pop3_proxy());
  for (config::Problem& problem : service::CheckProxyListener("pop3s_proxy", config.pop3s_proxy())) {
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
  gateway.shards = std::make_unique<auth::ShardMap>(directory, runtime.ChannelsTo("mailbox_store"));
  ASSIGN_OR_RETURN(gateway.tls, runtime.LoadTls("pop3", config.tls()));
  gateway.idle_timeout = config::ToChrono(config.idle_timeout());
  gateway.login_timeout = config::ToChrono(config.login_timeout());
  // RFC 2449, 6.5 counts whole seconds.
  gateway.login_delay = std::chrono::seconds(config.login_delay().seconds());
  gateway.implementation = config.implementation();
  app->account_watch_ = std::make_shared<auth::AccountWatch>(runtime.io().Next().get_executor(), directory,
                                                             auth::AccountWatch::Of(runtime.sessions()));
  return app;
}

absl::Status App::Start() {
  account_watch_->Start();
  Gateway* gateway = gateway_.get();
  const auto plain = [gateway](net::Stream stream) { return RunSession(gateway, std::move(stream), false); };
  const auto implicit = [gateway](net::Stream stream) { return RunSession(gateway, std::move(stream), true); };
  RETURN_IF_ERROR(runtime_.StartListener("pop3", config_.pop3(), Options(false), plain).status());
  RETURN_IF_ERROR(runtime_.StartListener("pop3s", config_.pop3s(), Options(true), implicit).status());
  RETURN_IF_ERROR(runtime_.StartProxyListener("pop3_proxy", config_.pop3_proxy(), Options(false), plain).status());
  return runtime_.StartProxyListener("pop3s_proxy", config_.pop3s_proxy(), Options(true), implicit).status();
}

// A session in TRANSACTION whose client is at work goes on to its QUIT, which commits; others end after the command that they are at.
void App::Drain(absl::Time deadline) { runtime_.sessions().DrainAll(deadline); }

}  // namespace mailmesh::pop3_gateway
