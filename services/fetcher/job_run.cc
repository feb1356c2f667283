#include "services/fetcher/job_run.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/rpc/retry.h"
#include "common/telemetry/log.h"
#include "services/fetcher/lease_keeper.h"
#include "services/fetcher/message_append.h"
#include "services/fetcher/pop3_connection.h"

namespace mailmesh::fetcher {
namespace {

using fetch::v1::FetchJobService;
using Methods = class FetchJobService::Stub::async;
using Lease = fetch::v1::LeaseFetchJobsResponse::Lease;
using SeenIds = absl::flat_hash_set<std::string>;

constexpr absl::Duration kCallTimeout = absl::Seconds(30);
constexpr int kForgetBatch = 1000;
// A job that fails waits longer each time, up to this (or its interval, where that is longer).
constexpr uint32_t kLongestPauseSeconds = 3600;

struct RunResult {
  absl::Status status;
  uint32_t fetched = 0;
  uint32_t too_large = 0;
};

net::Awaitable<absl::StatusOr<SeenIds>> LoadSeenIds(FetchJobService::Stub& stub, const std::string& job_id) {
  SeenIds seen;
  fetch::v1::ListSeenIdsRequest request;
  request.set_job_id(job_id);
  do {
    rpc::CallContext context = rpc::CallContext::Within(kCallTimeout);
    auto page = co_await rpc::RetryUnary(stub.async(), &Methods::ListSeenIds, request, context);
    if (!page.ok()) co_return page.status();
    for (const std::string& id : page->remote_ids()) seen.insert(id);
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  co_return seen;
}

// Ids that the server no longer lists will never be asked about again.
net::Awaitable<absl::Status> ForgetGone(FetchJobService::Stub& stub, const Lease& lease, SeenIds gone) {
  auto next = gone.begin();
  while (next != gone.end()) {
    fetch::v1::ForgetSeenIdsRequest request;
    request.set_request_id(base::NewIdText());
    request.set_job_id(lease.job().job_id());
    request.set_lease_token(lease.lease_token());
    for (int i = 0; i < kForgetBatch && next != gone.end(); ++i, ++next) request.add_remote_ids(*next);
    rpc::CallContext context = rpc::CallContext::Within(kCallTimeout);
    auto forgotten = co_await rpc::RetryUnary(stub.async(), &Methods::ForgetSeenIds, request, context);
    if (!forgotten.ok()) co_return forgotten.status();
  }
  co_return absl::OkStatus();
}

class Run {
 public:
  Run(Fetcher& fetcher, std::shared_ptr<grpc::Channel> store, const Lease& lease, const LeaseKeeper& keeper)
      : fetcher_(fetcher), store_(std::move(store)), lease_(lease), keeper_(keeper), connection_(fetcher) {}

  net::Awaitable<RunResult> Execute() {
    result_.status = co_await Work();
    connection_.Close();
    co_return result_;
  }

 private:
  net::Awaitable<absl::Status> Work() {
    auto stub = FetchJobService::NewStub(store_);
    const fetch::v1::FetchJob& job = lease_.job();
    absl::StatusOr<base::Secret> credential = fetcher_.secrets.Open(job.sealed_credential(), job.account_id());
    if (!credential.ok()) co_return base::Annotate(credential.status(), "credential");
    absl::StatusOr<SeenIds> seen = co_await LoadSeenIds(*stub, job.job_id());
    if (!seen.ok()) co_return seen.status();
    absl::Status opened = co_await connection_.Open(job, *credential);
    if (!opened.ok()) co_return opened;
    absl::StatusOr<std::vector<RemoteMessage>> messages = co_await connection_.List();
    if (!messages.ok()) co_return messages.status();
    for (const RemoteMessage& message : *messages) {
      if (keeper_.lost()) co_return absl::AbortedError("the lease was lost");
      if (fetcher_.stopping.load()) break;  // what is deleted so far is committed by QUIT
      absl::Status status = co_await One(message, *seen);
      if (!status.ok()) co_return status;
    }
    absl::Status quit = co_await connection_.Quit();
    if (!quit.ok()) co_return quit;
    if (fetcher_.stopping.load()) co_return absl::OkStatus();
    for (const RemoteMessage& message : *messages) {
      // What was deleted is gone after QUIT; what stays must be remembered.
      if (job.keep()) seen->erase(message.unique_id);
    }
    co_return co_await ForgetGone(*stub, lease_, std::move(*seen));
  }

  net::Awaitable<absl::Status> One(const RemoteMessage& message, SeenIds& seen) {
    const bool seen_before = seen.contains(message.unique_id);
    if (!seen_before) {
      if (message.size_bytes > fetcher_.max_message_bytes) {
        ++result_.too_large;
        fetcher_.metrics.messages.With({"too_large"}).Increment();
        co_return absl::OkStatus();
      }
      absl::Status asked = co_await connection_.Retrieve(message.number);
      if (!asked.ok()) co_return asked;
      const std::string correlation_id = base::NewIdText();
      absl::StatusOr<bool> appended = co_await AppendFetched(store_, lease_, message.unique_id, connection_, correlation_id);
      if (!appended.ok()) co_return appended.status();
      seen.insert(message.unique_id);
      fetcher_.metrics.messages.With({*appended ? "appended" : "seen_before"}).Increment();
      if (*appended) ++result_.fetched;
      telemetry::Info("message fetched", {{"correlation_id", correlation_id},
                                          {"job_id", lease_.job().job_id()},
                                          {"account", lease_.job().account_id()},
                                          {"peer", lease_.job().host()},
                                          {"remote_id", message.unique_id},
                                          {"size", message.size_bytes}});
    } else {
      fetcher_.metrics.messages.With({"seen_before"}).Increment();
    }
    if (lease_.job().keep()) co_return absl::OkStatus();
    // It is durable here: AppendFetched has said so, now or in an earlier run.
    absl::Status deleted = co_await connection_.Delete(message.number);
    if (deleted.ok()) fetcher_.metrics.messages.With({"deleted"}).Increment();
    co_return deleted;
  }

  Fetcher& fetcher_;
  std::shared_ptr<grpc::Channel> store_;
  const Lease& lease_;
  const LeaseKeeper& keeper_;
  Pop3Connection connection_;
  RunResult result_;
};

uint32_t PauseSeconds(const Lease& lease, bool failed) {
  const uint32_t interval = lease.job().interval_seconds();
  if (!failed) return interval;
  const uint32_t doublings = std::min(lease.state().consecutive_failures(), 10u);
  const uint64_t pause = uint64_t{interval} << doublings;
  return static_cast<uint32_t>(std::min<uint64_t>(pause, std::max(interval, kLongestPauseSeconds)));
}

net::Awaitable<void> Finish(Fetcher& fetcher, FetchJobService::Stub& stub, const Lease& lease, const RunResult& result) {
  fetch::v1::FinishFetchRunRequest request;
  request.set_job_id(lease.job().job_id());
  request.set_lease_token(lease.lease_token());
  request.set_messages_fetched(result.fetched);
  request.set_next_run_in_seconds(PauseSeconds(lease, !result.status.ok()));
  if (!result.status.ok()) {
    request.set_error(std::string(base::Message(result.status)));
  } else if (result.too_large > 0) {
    request.set_error(absl::StrCat(result.too_large, " messages are larger than ", fetcher.max_message_bytes,
                                   " octets and were left at the server"));
  }
  rpc::CallContext context = rpc::CallContext::Within(kCallTimeout);
  auto finished = co_await rpc::RetryUnary(stub.async(), &Methods::FinishFetchRun, request, context);
  if (!finished.ok()) {
    telemetry::Warning("fetch run not finished", {{"job_id", lease.job().job_id()}, {"error", base::Message(finished.status())}});
  }
}

}  // namespace

net::Awaitable<void> RunJob(Fetcher* fetcher, std::shared_ptr<grpc::Channel> store, Lease lease) {
  const auto start = net::Clock::now();
  fetcher->metrics.jobs.Add();
  net::Executor executor = co_await asio::this_coro::executor;
  auto keeper = std::make_shared<LeaseKeeper>(executor, store, lease.job().job_id(), lease.lease_token(), fetcher->lease);
  keeper->Start();
  Run run(*fetcher, store, lease, *keeper);
  RunResult result = co_await run.Execute();
  keeper->Stop();
  auto stub = FetchJobService::NewStub(store);
  if (!keeper->lost()) co_await Finish(*fetcher, *stub, lease, result);
  const std::chrono::duration<double> took = net::Clock::now() - start;
  fetcher->metrics.run_seconds.Observe(took.count());
  fetcher->metrics.runs.With({"pop3", keeper->lost() ? "lease_lost" : result.status.ok() ? "ok" : "error"}).Increment();
  telemetry::Info("fetch run ended", {{"job_id", lease.job().job_id()},
                                      {"account", lease.job().account_id()},
                                      {"peer", lease.job().host()},
                                      {"fetched", static_cast<uint64_t>(result.fetched)},
                                      {"error", base::Message(result.status)}});
  fetcher->metrics.jobs.Subtract();
  --fetcher->running;
}

}  // namespace mailmesh::fetcher
