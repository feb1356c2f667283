#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/status.h"
#include "mailmesh/fetch/v1/fetch_job_service.grpc.pb.h"
#include "mailmesh/fetch/v1/fetcher_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

using fetch::v1::FetcherService;
using fetch::v1::FetchJobService;
using Stub = FetchJobService::Stub;

struct Shard {
  std::string name;
  std::unique_ptr<Stub> stub;
};

absl::StatusOr<std::vector<Shard>> ConnectAll(Context& context) {
  ASSIGN_OR_RETURN(const auto names, context.ShardNames());
  std::vector<Shard> shards;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const auto channel, context.ChannelToShard(name));
    shards.push_back({name, FetchJobService::NewStub(channel)});
  }
  return shards;
}

// The credential passes through the fetcher, which alone has the keys: the store never sees it.
absl::StatusOr<std::string> Seal(Context& context, const std::string& account_id, const std::string& secret) {
  ASSIGN_OR_RETURN(const auto channel, context.ChannelTo("fetcher"));
  const auto stub = FetcherService::NewStub(channel);
  fetch::v1::SealCredentialRequest request;
  request.set_account_id(account_id);
  request.set_plaintext(secret);
  ASSIGN_OR_RETURN(const auto response,
                   Call<FetcherService::Stub>(stub.get(), &FetcherService::Stub::SealCredential, request));
  return response.sealed_credential();
}

absl::Status AddJob(Context& context, const std::string& address, fetch::v1::FetchJob job, bool password_stdin) {
  ASSIGN_OR_RETURN(const std::string secret, ReadSecret(absl::StrCat("Password of ", job.user(), " at ", job.host()), password_stdin));
  ASSIGN_OR_RETURN(const AccountRef account, FindAccount(context, address));
  ASSIGN_OR_RETURN(const std::string sealed, Seal(context, account.account_id, secret));
  job.set_account_id(account.account_id);
  job.set_sealed_credential(sealed);
  ASSIGN_OR_RETURN(const auto channel, context.ChannelToShard(account.shard));
  const auto stub = FetchJobService::NewStub(channel);
  fetch::v1::CreateFetchJobRequest request;
  request.set_request_id(NewRequestId());
  *request.mutable_job() = job;
  ASSIGN_OR_RETURN(const auto response, Call(stub.get(), &Stub::CreateFetchJob, request));
  std::cout << FormatRecord({{"job_id", response.job_id()}}, context.output);
  return absl::OkStatus();
}

std::string TlsName(fetch::v1::RemoteTls tls) {
  switch (tls) {
    case fetch::v1::REMOTE_TLS_STARTTLS:
      return "starttls";
    case fetch::v1::REMOTE_TLS_NONE:
      return "none";
    default:
      return "implicit";
  }
}

absl::Status ListJobs(Context& context, const std::string& address) {
  fetch::v1::ListFetchJobsRequest request;
  if (!address.empty()) {
    ASSIGN_OR_RETURN(const AccountRef account, FindAccount(context, address));
    request.set_account_id(account.account_id);
  }
  ASSIGN_OR_RETURN(const auto shards, ConnectAll(context));
  Table table({"job_id", "account_id", "remote", "user", "tls", "keep", "mailbox", "interval", "fetched", "last_run",
               "next_run", "state"});
  for (const Shard& shard : shards) {
    request.clear_page_token();
    do {
      ASSIGN_OR_RETURN(const auto page, Call(shard.stub.get(), &Stub::ListFetchJobs, request));
      for (const auto& entry : page.jobs()) {
        const auto& job = entry.job();
        const auto& state = entry.state();
        const std::string how = state.leased() ? "running" : !state.last_error().empty() ? state.last_error() : "ok";
        table.AddRow({job.job_id(), job.account_id(), absl::StrCat(job.host(), ":", job.port()), job.user(),
                      TlsName(job.tls()), job.keep() ? "yes" : "no", job.mailbox().empty() ? "INBOX" : job.mailbox(),
                      absl::StrCat(job.interval_seconds(), " s"), absl::StrCat(state.messages_fetched()),
                      FormatTime(state.last_run_seconds()), FormatTime(state.next_run_seconds()), how});
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
  }
  std::cout << table.Format(context.output);
  return absl::OkStatus();
}

// The shard that has the job: its answer to TriggerFetchJob.
absl::StatusOr<std::pair<Stub*, fetch::v1::FetchJobState>> Trigger(const std::vector<Shard>& shards, const std::string& job_id) {
  fetch::v1::TriggerFetchJobRequest request;
  request.set_request_id(NewRequestId());
  request.set_job_id(job_id);
  for (const Shard& shard : shards) {
    const auto response = Call(shard.stub.get(), &Stub::TriggerFetchJob, request);
    if (absl::IsNotFound(response.status())) continue;
    RETURN_IF_ERROR(response.status());
    return std::pair(shard.stub.get(), response->state());
  }
  return absl::NotFoundError(absl::StrCat("no fetch job ", job_id));
}

absl::StatusOr<fetch::v1::FetchJobState> StateOf(Stub* stub, const std::string& job_id) {
  fetch::v1::ListFetchJobsRequest request;
  do {
    ASSIGN_OR_RETURN(const auto page, Call(stub, &Stub::ListFetchJobs, request));
    for (const auto& entry : page.jobs()) {
      if (entry.job().job_id() == job_id) return entry.state();
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::NotFoundError(absl::StrCat("fetch job ", job_id, " was deleted"));
}

absl::Status RunJob(Context& context, const std::string& job_id, int wait_seconds) {
  ASSIGN_OR_RETURN(const auto shards, ConnectAll(context));
  ASSIGN_OR_RETURN(const auto triggered, Trigger(shards, job_id));
  const auto& [stub, before] = triggered;
  const absl::Time limit = absl::Now() + absl::Seconds(wait_seconds);
  while (absl::Now() < limit) {
    ASSIGN_OR_RETURN(const auto state, StateOf(stub, job_id));
    if (state.runs() > before.runs()) {
      if (state.consecutive_failures() > 0) return absl::AbortedError(state.last_error());
      if (!state.last_error().empty()) std::cerr << "mailmesh: " << Printable(state.last_error()) << "\n";
      std::cout << FormatRecord({{"fetched", absl::StrCat(state.messages_fetched() - before.messages_fetched())}}, context.output);
      return absl::OkStatus();
    }
    absl::SleepFor(absl::Milliseconds(100));
  }
  return absl::DeadlineExceededError("the run has not ended; see `mailmesh fetch list`");
}

absl::Status RemoveJob(Context& context, const std::string& job_id) {
  ASSIGN_OR_RETURN(const auto shards, ConnectAll(context));
  fetch::v1::DeleteFetchJobRequest request;
  request.set_request_id(NewRequestId());
  request.set_job_id(job_id);
  for (const Shard& shard : shards) {
    const absl::Status status = Call(shard.stub.get(), &Stub::DeleteFetchJob, request).status();
    if (!absl::IsNotFound(status)) return status;
  }
  return absl::NotFoundError(absl::StrCat("no fetch job ", job_id));
}

struct Arguments {
  std::string address;
  std::string job_id;
  std::string host;
  uint32_t port = 0;
  std::string user;
  fetch::v1::RemoteTls tls = fetch::v1::REMOTE_TLS_IMPLICIT;
  uint32_t interval = 300;
  bool keep = false;
  std::string mailbox;
  bool allow_plaintext = false;
  bool password_stdin = false;
  int wait_seconds = 120;
};

void AddAddCommand(CLI::App* fetch, const std::shared_ptr<Arguments>& arguments) {
  auto* add = fetch->add_subcommand("add", "Downloads a remote POP3 maildrop into an account, again and again");
  add->add_option("ADDRESS", arguments->address, "The account that gets the mail")->required();
  add->add_option("--host", arguments->host, "Remote server")->required();
  add->add_option("--port", arguments->port, "Its port; 995 with implicit TLS, else 110");
  add->add_option("--user", arguments->user, "Name to log in with there")->required();
  add->add_option("--tls", arguments->tls, "implicit (the default), starttls or none")
      ->transform(CLI::CheckedTransformer(std::map<std::string, fetch::v1::RemoteTls>{
          {"implicit", fetch::v1::REMOTE_TLS_IMPLICIT},
          {"starttls", fetch::v1::REMOTE_TLS_STARTTLS},
          {"none", fetch::v1::REMOTE_TLS_NONE}}));
  add->add_option("--interval", arguments->interval, "Seconds between runs")->check(CLI::Range(10, 604800));
  add->add_flag("--keep", arguments->keep, "Leave messages on the server");
  add->add_option("--mailbox", arguments->mailbox, "Local mailbox, INBOX if not given");
  add->add_flag("--allow-plaintext", arguments->allow_plaintext, "Log in without TLS, to a loopback address only");
  add->add_flag("--password-stdin", arguments->password_stdin, "Read the remote password from standard input");
  SetAction(add, [arguments](Context& context) {
    fetch::v1::FetchJob job;
    job.set_protocol(fetch::v1::REMOTE_PROTOCOL_POP3);
    job.set_host(arguments->host);
    job.set_port(arguments->port != 0 ? arguments->port : arguments->tls == fetch::v1::REMOTE_TLS_IMPLICIT ? 995 : 110);
    job.set_tls(arguments->tls);
    job.set_user(arguments->user);
    job.set_interval_seconds(arguments->interval);
    job.set_keep(arguments->keep);
    job.set_mailbox(arguments->mailbox);
    job.set_allow_plaintext(arguments->allow_plaintext);
    return AddJob(context, arguments->address, job, arguments->password_stdin);
  });
}

}  // namespace

void AddFetchCommands(CLI::App& app) {
  auto* fetch = app.add_subcommand("fetch", "Mail that is downloaded from other servers")->require_subcommand(1);
  auto arguments = std::make_shared<Arguments>();
  AddAddCommand(fetch, arguments);
  auto* list = fetch->add_subcommand("list", "Lists the fetch jobs and how they stand");
  list->add_option("ADDRESS", arguments->address, "Only of this account");
  SetAction(list, [arguments](Context& context) { return ListJobs(context, arguments->address); });
  auto* run = fetch->add_subcommand("run", "Runs a job now and waits for its end");
  run->add_option("JOB_ID", arguments->job_id, "The job")->required();
  run->add_option("--wait", arguments->wait_seconds, "Seconds to wait at most");
  SetAction(run, [arguments](Context& context) { return RunJob(context, arguments->job_id, arguments->wait_seconds); });
  auto* remove = fetch->add_subcommand("remove", "Removes a job, and what it remembers to have seen");
  remove->add_option("JOB_ID", arguments->job_id, "The job")->required();
  SetAction(remove, [arguments](Context& context) { return RemoveJob(context, arguments->job_id); });
}

}  // namespace mailmesh::cli
