#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "mailmesh/directory/v1/directory_admin_service.grpc.pb.h"
#include "mailmesh/fetch/v1/fetch_job_service.grpc.pb.h"
#include "mailmesh/fetch/v1/fetcher_service.grpc.pb.h"
#include "mailmesh/relay/v1/route_secret_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

using directory::v1::DirectoryAdminService;
using fetch::v1::FetcherService;
using fetch::v1::FetchJobService;
using relay::v1::RouteSecretService;

struct Counts {
  uint64_t resealed = 0;
  uint64_t current = 0;
  uint64_t failed = 0;
};

// Takes one stored secret from its old key to the newest. `reseal` gives the same secret under the newest key, `replace` puts
// that in the old one's place. A record that cannot be opened is told of and left as it is.
template <class Reseal, class Replace>
absl::Status Renew(const std::string& what, const std::string& sealed, Counts& counts, const Reseal& reseal, const Replace& replace) {
  const absl::StatusOr<std::string> renewed = reseal();
  if (absl::IsUnavailable(renewed.status())) return renewed.status();
  if (!renewed.ok()) {
    ++counts.failed;
    std::cerr << "mailmesh: " << what << ": " << Printable(base::Message(renewed.status())) << "\n";
    return absl::OkStatus();
  }
  if (*renewed == sealed) {
    ++counts.current;
    return absl::OkStatus();
  }
  const absl::Status replaced = replace(*renewed);
  // Removed, or given another password (sealed with the newest key), meanwhile: there is nothing left to do.
  if (absl::IsNotFound(replaced) || absl::IsFailedPrecondition(replaced)) return absl::OkStatus();
  RETURN_IF_ERROR(replaced);
  ++counts.resealed;
  return absl::OkStatus();
}

absl::Status RenewJob(FetcherService::Stub* fetcher, FetchJobService::Stub* store, const fetch::v1::FetchJob& job, Counts& counts) {
  const auto reseal = [&]() -> absl::StatusOr<std::string> {
    fetch::v1::ResealCredentialRequest request;
    request.set_sealed_credential(job.sealed_credential());
    request.set_account_id(job.account_id());
    ASSIGN_OR_RETURN(const auto response, Call(fetcher, &FetcherService::Stub::ResealCredential, request));
    return response.sealed_credential();
  };
  const auto replace = [&](const std::string& renewed) {
    fetch::v1::ReplaceFetchCredentialRequest request;
    request.set_request_id(NewRequestId());
    request.set_job_id(job.job_id());
    request.set_old_sealed_credential(job.sealed_credential());
    request.set_new_sealed_credential(renewed);
    return Call(store, &FetchJobService::Stub::ReplaceFetchCredential, request).status();
  };
  return Renew(absl::StrCat("credential of fetch job ", job.job_id()), job.sealed_credential(), counts, reseal, replace);
}

absl::Status RenewJobs(Context& context, FetcherService::Stub* fetcher, Counts& counts) {
  ASSIGN_OR_RETURN(const auto shards, context.ShardNames());
  for (const std::string& shard : shards) {
    ASSIGN_OR_RETURN(const auto channel, context.ChannelToShard(shard));
    const auto store = FetchJobService::NewStub(channel);
    fetch::v1::ListFetchJobsRequest request;
    request.set_with_credentials(true);
    do {
      ASSIGN_OR_RETURN(const auto page, Call(store.get(), &FetchJobService::Stub::ListFetchJobs, request));
      for (const auto& entry : page.jobs()) RETURN_IF_ERROR(RenewJob(fetcher, store.get(), entry.job(), counts));
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
  }
  return absl::OkStatus();
}

absl::Status RenewRoute(RouteSecretService::Stub* relay, DirectoryAdminService::Stub* directory, const directory::v1::Route& route,
                        Counts& counts) {
  const auto reseal = [&]() -> absl::StatusOr<std::string> {
    relay::v1::ResealRoutePasswordRequest request;
    request.set_domain(route.domain());
    request.set_user(route.user());
    request.set_sealed_password(route.sealed_password());
    ASSIGN_OR_RETURN(const auto response, Call(relay, &RouteSecretService::Stub::ResealRoutePassword, request));
    return response.sealed_password();
  };
  const auto replace = [&](const std::string& renewed) {
    directory::v1::ReplaceRoutePasswordRequest request;
    request.set_request_id(NewRequestId());
    request.set_domain(route.domain());
    request.set_old_sealed_password(route.sealed_password());
    request.set_new_sealed_password(renewed);
    return Call(directory, &DirectoryAdminService::Stub::ReplaceRoutePassword, request).status();
  };
  return Renew(absl::StrCat("password of the route of ", route.domain()), route.sealed_password(), counts, reseal, replace);
}

absl::Status RenewRoutes(Context& context, RouteSecretService::Stub* relay, Counts& counts) {
  ASSIGN_OR_RETURN(const auto directory, Connect<DirectoryAdminService>(context, "directory"));
  directory::v1::ListRoutesRequest request;
  do {
    ASSIGN_OR_RETURN(const auto page, Call(directory.get(), &DirectoryAdminService::Stub::ListRoutes, request));
    for (const auto& route : page.routes()) {
      if (!route.user().empty()) RETURN_IF_ERROR(RenewRoute(relay, directory.get(), route, counts));
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

// Whoever adds it, all read the same file.
absl::StatusOr<std::string> AddKey(FetcherService::Stub* fetcher, RouteSecretService::Stub* relay) {
  if (fetcher != nullptr) {
    ASSIGN_OR_RETURN(const auto added, Call(fetcher, &FetcherService::Stub::AddKey, fetch::v1::AddKeyRequest()));
    return added.key_name();
  }
  ASSIGN_OR_RETURN(const auto added, Call(relay, &RouteSecretService::Stub::AddRouteKey, relay::v1::AddRouteKeyRequest()));
  return added.key_name();
}

// Of any replica of the role; null where the mesh has none.
template <class Service>
absl::StatusOr<std::unique_ptr<typename Service::Stub>> ConnectAny(Context& context, const std::string& role) {
  const absl::StatusOr<std::vector<std::string>> instances = context.Instances(role);
  if (absl::IsNotFound(instances.status())) return std::unique_ptr<typename Service::Stub>();
  RETURN_IF_ERROR(instances.status());
  return Connect<Service>(context, instances->front());
}

absl::Status Rotate(Context& context, bool keep_key) {
  ASSIGN_OR_RETURN(const auto fetcher, ConnectAny<FetcherService>(context, "fetcher"));
  ASSIGN_OR_RETURN(const auto relay, ConnectAny<RouteSecretService>(context, "outbound_relay"));
  if (fetcher == nullptr && relay == nullptr) return absl::NotFoundError("this mesh has neither a fetcher nor an outbound_relay");
  std::string key = "-";
  if (!keep_key) {
    ASSIGN_OR_RETURN(key, AddKey(fetcher.get(), relay.get()));
  }
  Counts counts;
  if (fetcher != nullptr) RETURN_IF_ERROR(RenewJobs(context, fetcher.get(), counts));
  if (relay != nullptr) RETURN_IF_ERROR(RenewRoutes(context, relay.get(), counts));
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
