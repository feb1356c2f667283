#include "services/fetcher/app.h"

#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/config/duration.h"
#include "common/net/io_pool.h"
#include "common/net/spawn.h"
#include "services/fetcher/lease_loop.h"

namespace mailmesh::fetcher {

absl::StatusOr<std::unique_ptr<App>> App::Create(const Config& config, service::Runtime& runtime) {
  std::unique_ptr<App> app(new App(runtime));
  app->fetcher_ = std::make_unique<Fetcher>(runtime.metrics());
  Fetcher& fetcher = *app->fetcher_;
  ASSIGN_OR_RETURN(fetcher.secrets, sasl::KeyFile::Open(config.key_ring(), sasl::KeyFile::Missing::kCreate));
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> directory, runtime.Channel("directory"));
  fetcher.shards = std::make_unique<auth::ShardMap>(directory, runtime.ChannelsTo("mailbox_store"));
  net::TlsClientOptions tls;
  tls.ca_file = config.trust_anchors();
  ASSIGN_OR_RETURN(fetcher.tls, net::TlsClientContext::Create(tls));
  fetcher.name = std::string(runtime.name());
  fetcher.lease = config::ToAbsl(config.lease());
  fetcher.command_timeout = config::ToChrono(config.command_timeout());
  fetcher.max_message_bytes = config.max_message_bytes();
  fetcher.max_listed_messages = config.max_listed_messages();
  fetcher.max_messages_per_run = config.max_messages_per_run();
  fetcher.max_run = config::ToChrono(config.max_run());
  fetcher.max_jobs = config.max_jobs();
  app->service_ = std::make_unique<FetcherServiceImpl>(fetcher, runtime.Pool("keys", 1));
  runtime.AddGrpcService(app->service_.get());
  return app;
}

absl::Status App::Start() {
  net::Spawn(runtime_.io().Next().get_executor(), WatchShards(fetcher_.get(), &runtime_.io()), "fetch-shards");
  return absl::OkStatus();
}

// Runs stop after the message that they are at, and commit what they have deleted.
void App::Drain(absl::Time deadline) {
  fetcher_->stopping.store(true);
  while (fetcher_->running.load() > 0 && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(20));
}

}  // namespace mailmesh::fetcher
