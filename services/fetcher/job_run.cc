#include "services/fetcher/job_run.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/rpc/retry.h"
#include "common/rpc/status.h"
#include "common/telemetry/log.h"
#include "services/fetcher/lease_keeper.h"
#include "services/fetcher/message_append.h"
#include "services/fetcher/pop3_connection.h"

namespace mailmesh::fetcher {
namespace {

using fetch::v1::FetchJobService;
using Methods = class FetchJobService::Stub::async;
using Lease = fetch::v1::LeaseFetchJobsResponse::Lease;

constexpr absl::Duration kCallTimeout = absl::Seconds(30);
constexpr size_t kForgetBatch = 1000;
// Forgotten by one run at most.
constexpr size_t kMaxGone = 100'000;
constexpr size_t kMaxPassedOver = 10;
// No store can be configured to take less (config.v1, MailboxStoreConfig): an announced size below it that was refused was a lie.
constexpr uint64_t kLeastStoreLimit = 65536;
// From here on it is no chance that none of the ids is known.
constexpr size_t kManyIds = 10;
// A job that fails waits longer each time, up to this (or its interval, where that is longer).
constexpr uint32_t kLongestPauseSeconds = 3600;

struct RunResult {
  absl::Status status;
  uint32_t fetched = 0;
  uint32_t too_large = 0;  // left at the server
  uint32_t refused = 0;    // that the server would not give
  uint32_t unreadable = 0;  // lines of its listing
  bool more = false;       // a limit ended the run: the next one follows at once
  std::string note;
};

// Compares what the store remembers with what the server lists, page by page: marks what is in both, and answers those ids that the
// server has no more (not more of them than the next run can do without).
net::Awaitable<absl::StatusOr<std::vector<std::string>>> CompareSeenIds(FetchJobService::Stub& stub, std::string job_id, Maildrop& drop,
                                                                       telemetry::Trace trace) {
  std::vector<std::string> gone;
  fetch::v1::ListSeenIdsRequest request;
  request.set_job_id(job_id);
  do {
    rpc::CallContext context = rpc::CallContext::Within(kCallTimeout, trace);
    auto page = co_await rpc::RetryUnary(stub.async(), &Methods::ListSeenIds, request, context);
    if (!page.ok()) co_return page.status();
    for (const std::string& id : page->remote_ids()) {
      if (!drop.MarkSeen(id) && gone.size() < kMaxGone) gone.push_back(id);
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  co_return gone;
}

// Ids that the server no longer lists will never be asked about again.
net::Awaitable<absl::Status> Forget(FetchJobService::Stub& stub, const Lease& lease, std::vector<std::string> ids, telemetry::Trace trace) {
  for (size_t begin = 0; begin < ids.size(); begin += kForgetBatch) {
    fetch::v1::ForgetSeenIdsRequest request;
    request.set_request_id(base::NewIdText());
    request.set_job_id(lease.job().job_id());
    request.set_lease_token(lease.lease_token());
    for (size_t i = begin; i < std::min(ids.size(), begin + kForgetBatch); ++i) request.add_remote_ids(std::move(ids[i]));
    rpc::CallContext context = rpc::CallContext::Within(kCallTimeout, trace);
    auto forgotten = co_await rpc::RetryUnary(stub.async(), &Methods::ForgetSeenIds, request, context);
    if (!forgotten.ok()) co_return forgotten.status();
  }
  co_return absl::OkStatus();
}

class Run {
 public:
  Run(Fetcher& fetcher, std::shared_ptr<grpc::Channel> store, const Lease& lease, const LeaseKeeper& keeper, telemetry::Trace trace)
      : fetcher_(fetcher),
        store_(std::move(store)),
        lease_(lease),
        keeper_(keeper),
        trace_(std::move(trace)),
        end_(net::After(fetcher.max_run)) {}

  net::Awaitable<RunResult> Execute() {
    // A message that turns out too large costs its connection: it is passed over on the next one.
    do {
      oversize_ = false;
      connection_ = std::make_unique<Pop3Connection>(fetcher_);
      result_.status = co_await Session();
      connection_->Close();
    } while (oversize_ && passed_over_.size() < kMaxPassedOver && net::Clock::now() < end_);
    co_return result_;
  }

 private:
  net::Awaitable<absl::Status> Session() {
    result_.too_large = static_cast<uint32_t>(passed_over_.size());
    result_.refused = 0;
    auto stub = FetchJobService::NewStub(store_);
    const fetch::v1::FetchJob& job = lease_.job();
    absl::StatusOr<base::Secret> credential = fetcher_.secrets->Open(job.sealed_credential(), job.account_id());
    if (!credential.ok()) co_return base::Annotate(credential.status(), "credential");
    absl::Status opened = co_await connection_->Open(job, *credential);
    if (!opened.ok()) co_return opened;
    absl::StatusOr<Maildrop> drop = co_await connection_->List();
    if (!drop.ok()) co_return drop.status();
    result_.unreadable = drop->unreadable();
    absl::StatusOr<std::vector<std::string>> gone = co_await CompareSeenIds(*stub, job.job_id(), *drop, trace_);
    if (!gone.ok()) co_return gone.status();
    // A server that was moved or mended gives other ids to the same messages. Nothing tells them from new ones: they come again.
    if (job.keep() && drop->seen_count() == 0 && gone->size() >= kManyIds && drop->size() >= gone->size() / 2) {
      result_.note = "the server has changed the ids of all messages: what it keeps was fetched again";
    }
    absl::Status fetched = co_await FetchAll(*drop, *gone);
    if (!fetched.ok()) co_return fetched;
    absl::Status quit = co_await connection_->Quit();
    if (!quit.ok()) co_return quit;
    // RFC 1939, 6: what was deleted is gone now, and not before.
    co_return co_await Forget(*stub, lease_, std::move(*gone), trace_);
  }

  net::Awaitable<absl::Status> FetchAll(Maildrop& drop, std::vector<std::string>& gone) {
    for (size_t i = 0; i < drop.size(); ++i) {
      if (keeper_.lost()) co_return absl::AbortedError("the lease was lost");
      if (fetcher_.stopping.load()) co_return absl::OkStatus();  // what is deleted so far is committed by QUIT
      if (result_.fetched >= fetcher_.max_messages_per_run || net::Clock::now() >= end_) {
        result_.more = true;
        co_return absl::OkStatus();
      }
      absl::Status status = co_await One(drop, i, gone);
      if (!status.ok()) co_return status;
    }
    co_return absl::OkStatus();
  }

  net::Awaitable<absl::Status> One(Maildrop& drop, size_t i, std::vector<std::string>& gone) {
    const std::string id(drop.unique_id(i));
    if (!drop.seen(i)) {
      const bool passed_over = std::find(passed_over_.begin(), passed_over_.end(), id) != passed_over_.end();
      if (passed_over) co_return absl::OkStatus();
      if (drop.size_bytes(i) > fetcher_.max_message_bytes || drop.size_bytes(i) >= store_refuses_) {
        NoteTooLarge();
        co_return absl::OkStatus();
      }
      absl::Status fetched = co_await Fetch(drop, i, id);
      if (absl::IsNotFound(fetched)) {
        ++result_.refused;
        result_.note = std::string(base::Message(fetched));
        fetcher_.metrics.messages.With({"refused"}).Increment();
        co_return absl::OkStatus();
      }
      // Larger than this fetcher takes, or than the store does: that costs the connection, and no others their turn.
      if (absl::IsOutOfRange(fetched) || rpc::HasReason(fetched, type::v1::ERROR_REASON_TOO_LARGE)) {
        oversize_ = true;
        if (!absl::IsOutOfRange(fetched) && drop.size_bytes(i) > kLeastStoreLimit) {
          store_refuses_ = std::min(store_refuses_, drop.size_bytes(i));
        }
        passed_over_.push_back(id);
        NoteTooLarge();
      }
      if (!fetched.ok()) co_return fetched;
    } else {
      fetcher_.metrics.messages.With({"seen_before"}).Increment();
    }
    if (lease_.job().keep()) co_return absl::OkStatus();
    // It is durable here: AppendFetched has said so, now or in an earlier run.
    absl::Status deleted = co_await connection_->Delete(drop.number(i));
    if (deleted.ok()) {
      fetcher_.metrics.messages.With({"deleted"}).Increment();
      if (gone.size() < kMaxGone) gone.push_back(id);
    }
    co_return deleted;
  }

  net::Awaitable<absl::Status> Fetch(Maildrop& drop, size_t i, std::string id) {
    absl::Status asked = co_await connection_->Retrieve(drop.number(i));
    if (!asked.ok()) co_return asked;
    const telemetry::Trace trace = telemetry::Trace::New();
    absl::StatusOr<bool> appended = co_await AppendFetched(store_, lease_, id, *connection_, trace);
    if (!appended.ok()) co_return appended.status();
    drop.MarkSeen(id);
    fetcher_.metrics.messages.With({*appended ? "appended" : "seen_before"}).Increment();
    if (*appended) ++result_.fetched;
    telemetry::Info("message fetched", {trace,
                                        {"job_id", lease_.job().job_id()},
                                        {"account", lease_.job().account_id()},
                                        {"peer", lease_.job().host()},
                                        {"remote_id", id},
                                        {"size", drop.size_bytes(i)}});
    co_return absl::OkStatus();
  }

  void NoteTooLarge() {
    ++result_.too_large;
    fetcher_.metrics.messages.With({"too_large"}).Increment();
  }

  Fetcher& fetcher_;
  std::shared_ptr<grpc::Channel> store_;
  const Lease& lease_;
  const LeaseKeeper& keeper_;
  const telemetry::Trace trace_;  // of the run; each message has its own
  const net::TimePoint end_;
  std::unique_ptr<Pop3Connection> connection_;
  std::vector<std::string> passed_over_;
  bool oversize_ = false;
  // A message of this size was too large for the store: one that is as large is not asked for.
  uint64_t store_refuses_ = UINT64_MAX;
  RunResult result_;
};

uint32_t PauseSeconds(const Lease& lease, bool failed) {
  const uint32_t interval = lease.job().interval_seconds();
  if (!failed) return interval;
  const uint32_t doublings = std::min(lease.state().consecutive_failures(), 10u);
  const uint64_t pause = uint64_t{interval} << doublings;
  return static_cast<uint32_t>(std::min<uint64_t>(pause, std::max(interval, kLongestPauseSeconds)));
}

net::Awaitable<void> Finish(Fetcher& fetcher, FetchJobService::Stub& stub, const Lease& lease, const RunResult& result,
                            telemetry::Trace trace) {
  fetch::v1::FinishFetchRunRequest request;
  request.set_request_id(base::NewIdText());
  request.set_job_id(lease.job().job_id());
  request.set_lease_token(lease.lease_token());
  request.set_messages_fetched(result.fetched);
  const bool failed = !result.status.ok();
  request.set_next_run_in_seconds(!failed && result.more ? 1 : PauseSeconds(lease, failed));
  if (failed) {
    request.set_error(std::string(base::Message(result.status)));
  } else if (result.too_large > 0) {
    request.set_note(absl::StrCat(result.too_large, " messages are larger than ", fetcher.max_message_bytes,
                                  " octets, or than the store takes, and were left at the server"));
  } else if (result.refused > 0) {
    request.set_note(absl::StrCat("the server did not give ", result.refused, " messages; the last: ", result.note));
  } else if (result.unreadable > 0) {
    request.set_note(absl::StrCat(result.unreadable,
                                  " messages have no unique id that can be read (UIDL), and were left at the server"));
  } else {
    request.set_note(result.note);
  }
  rpc::CallContext context = rpc::CallContext::Within(kCallTimeout, trace);
  auto finished = co_await rpc::RetryUnary(stub.async(), &Methods::FinishFetchRun, request, context);
  if (!finished.ok()) {
    telemetry::Warning("fetch run not finished",
                       {trace, {"job_id", lease.job().job_id()}, {"error", base::Message(finished.status())}});
  }
}

}  // namespace

net::Awaitable<void> RunJob(Fetcher* fetcher, std::shared_ptr<grpc::Channel> store, Lease lease) {
  const auto start = net::Clock::now();
  fetcher->metrics.jobs.Add();
  const telemetry::Trace trace = telemetry::Trace::New();
  net::Executor executor = co_await asio::this_coro::executor;
  auto keeper = NewLeaseKeeper(executor, store, lease.job().job_id(), lease.lease_token(), fetcher->lease, trace);
  keeper->Start();
  Run run(*fetcher, store, lease, *keeper, trace);
  RunResult result = co_await run.Execute();
  keeper->Stop();
  auto stub = FetchJobService::NewStub(store);
  if (!keeper->lost()) co_await Finish(*fetcher, *stub, lease, result, trace);
  const std::chrono::duration<double> took = net::Clock::now() - start;
  fetcher->metrics.run_seconds.Observe(took.count());
  fetcher->metrics.runs.With({"pop3", keeper->lost() ? "lease_lost" : result.status.ok() ? "ok" : "error"}).Increment();
  telemetry::Info("fetch run ended", {trace,
                                      {"job_id", lease.job().job_id()},
                                      {"account", lease.job().account_id()},
                                      {"peer", lease.job().host()},
                                      {"fetched", static_cast<uint64_t>(result.fetched)},
                                      {"error", base::Message(result.status)}});
  fetcher->metrics.jobs.Subtract();
  --fetcher->running;
}

}  // namespace mailmesh::fetcher
