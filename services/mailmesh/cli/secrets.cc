#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "mailmesh/fetch/v1/fetch_job_service.grpc.pb.h"
#include "mailmesh/fetch/v1/fetcher_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

using fetch::v1::FetcherService;
using fetch::v1::FetchJobService;

struct Counts {
  uint64_t resealed = 0;
  uint64_t current = 0;
  uint64_t failed = 0;
};

// The same secret under the newest key. A record that cannot be opened is told of and left as it is.
absl::StatusOr<std::string> Reseal(FetcherService::Stub* fetcher, const std::string& sealed, const std::string& owner) {
  fetch::v1::ResealCredentialRequest request;
  request.set_sealed_credential(sealed);
  request.set_account_id(owner);
  ASSIGN_OR_RETURN(const auto response, Call(fetcher, &FetcherService::Stub::ResealCredential, request));
  return response.sealed_credential();
}

absl::Status ResealJob(FetcherService::Stub* fetcher, FetchJobService::Stub* store, const fetch::v1::FetchJob& job, Counts& counts) {
  const absl::StatusOr<std::string> sealed = Reseal(fetcher, job.sealed_credential(), job.account_id());
  if (absl::IsUnavailable(sealed.status())) return sealed.status();
  if (!sealed.ok()) {
    ++counts.failed;
    std::cerr << "mailmesh: credential of fetch job " << job.job_id() << ": " << Printable(base::Message(sealed.status())) << "\n";
    return absl::OkStatus();
  }
  if (*sealed == job.sealed_credential()) {
    ++counts.current;
    return absl::OkStatus();
  }
  fetch::v1::ReplaceFetchCredentialRequest request;
  request.set_request_id(NewRequestId());
  request.set_job_id(job.job_id());
  request.set_old_sealed_credential(job.sealed_credential());
  request.set_new_sealed_credential(*sealed);
  const absl::Status replaced = Call(store, &FetchJobService::Stub::ReplaceFetchCredential, request).status();
  // Removed, or given another password (sealed with the newest key), meanwhile: there is nothing left to do.
  if (absl::IsNotFound(replaced) || absl::IsFailedPrecondition(replaced)) return absl::OkStatus();
  RETURN_IF_ERROR(replaced);
  ++counts.resealed;
  return absl::OkStatus();
}

absl::Status ResealJobs(Context& context, FetcherService::Stub* fetcher, Counts& counts) {
  ASSIGN_OR_RETURN(const auto shards, context.ShardNames());
  for (const std::string& shard : shards) {
    ASSIGN_OR_RETURN(const auto channel, context.ChannelToShard(shard));
    const auto store = FetchJobService::NewStub(channel);
    fetch::v1::ListFetchJobsRequest request;
    request.set_with_credentials(true);
    do {
      ASSIGN_OR_RETURN(const auto page, Call(store.get(), &FetchJobService::Stub::ListFetchJobs, request));
      for (const auto& entry : page.jobs()) RETURN_IF_ERROR(ResealJob(fetcher, store.get(), entry.job(), counts));
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
  }
  return absl::OkStatus();
}

absl::Status Rotate(Context& context, bool keep_key) {
  ASSIGN_OR_RETURN(const auto channel, context.ChannelTo("fetcher"));
  const auto fetcher = FetcherService::NewStub(channel);
  std::string key = "-";
  if (!keep_key) {
    ASSIGN_OR_RETURN(const auto added, Call<FetcherService::Stub>(fetcher.get(), &FetcherService::Stub::AddKey, fetch::v1::AddKeyRequest()));
    key = added.key_name();
  }
  Counts counts;
  RETURN_IF_ERROR(ResealJobs(context, fetcher.get(), counts));
  std::cout << FormatRecord({{"new_key", key},
                             {"resealed", absl::StrCat(counts.resealed)},
                             {"current", absl::StrCat(counts.current)},
                             {"failed", absl::StrCat(counts.failed)}},
                            context.output);
  return counts.failed == 0 ? absl::OkStatus() : absl::DataLossError("not every credential could be opened; see above");
}

}  // namespace

void AddSecretsCommands(CLI::App& app) {
  auto* secrets = app.add_subcommand("secrets", "Passwords that the mesh keeps for other servers")->require_subcommand(1);
  auto keep_key = std::make_shared<bool>(false);
  auto* rotate = secrets->add_subcommand("rotate", "Adds a key to the ring and encrypts every stored password anew with it");
  rotate->add_flag("--keep-key", *keep_key, "Add none: go on with a rotation that was interrupted");
  SetAction(rotate, [keep_key](Context& context) { return Rotate(context, *keep_key); });
}

}  // namespace mailmesh::cli
